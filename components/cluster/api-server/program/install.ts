/** Puts the sign-in into a kubeadm control plane: tried aside, changed, watched until it lives, and taken back if it does not. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { ControlPlanePaths, SignInPart } from "./contract.ts";
import { commandOf, withSignInClusterConfiguration, withSignInManifest } from "./edits.ts";
import { signInFile } from "./file-name.ts";
import { ensureFolder, readIfThere, replaceFile } from "./files.ts";
import { findServer, lives, trial } from "./server-process.ts";

/** Sentences of what was done; a converged control plane says none. */
export type WriteLogLine = (line: string) => void;

/** @throws Error with one sentence; the API server then runs as it did before */
export async function install(part: SignInPart, say: WriteLogLine): Promise<void> {
  const { paths } = part;
  ensureFolder(paths.folder);
  const file = signInFile(paths.folder, part.authentication);
  const before = readFileSync(paths.manifest, "utf8");
  const after = withSignInManifest(before, file, paths.folder);
  if (readIfThere(file) !== part.authentication) replaceFile(file, part.authentication, paths.folder);
  if (after !== before) {
    await tryAside(before, after);
    await change(paths, { before, after, file });
    say(`The API server signs people in by ${file}.`);
  }
  if (tellKubeadm(paths, file)) say("kubeadm's ClusterConfiguration says so too: the next upgrade keeps it.");
  for (const other of readdirSync(paths.folder)) {
    if (/^sign-in-[0-9a-f]+\.json$/.test(other) && join(paths.folder, other) !== file)
      rmSync(join(paths.folder, other));
  }
}

async function tryAside(before: string, after: string): Promise<void> {
  const running = findServer(commandOf(before));
  if (running === undefined) return; // nothing runs that could be tried, or be hurt
  const wrong = await trial(running, commandOf(after));
  if (wrong === undefined) return;
  throw new Error(
    `The API server would not start with this sign-in, so nothing was changed and it goes on serving: ${wrong}. ` +
      "Fix workstation:cluster.apiServer and run this again.",
  );
}

interface Change {
  readonly before: string;
  readonly after: string;
  readonly file: string;
}

async function change(paths: ControlPlanePaths, { before, after, file }: Change): Promise<void> {
  replaceFile(join(paths.folder, "kube-apiserver.yaml.before"), before, paths.folder);
  replaceFile(paths.manifest, after, paths.folder);
  const flag = `--authentication-config=${file}`;
  if (await livesWith(paths, [flag], paths.withinMs)) return;
  replaceFile(paths.manifest, before, paths.folder);
  const former = commandOf(before).filter((word) => word.startsWith("--authentication-config="));
  const back = await livesWith(paths, former, Math.max(paths.withinMs, BACK_WITHIN_MS));
  throw new Error(
    `The API server did not live with the new sign-in within ${paths.withinMs / 1000} s; ` +
      (back
        ? "the former manifest is back and it lives with that."
        : "the former manifest is back, but it does not live yet: look at its container's log."),
  );
}

const BACK_WITHIN_MS = 120_000;

/** The old server answers until the kubelet ends it, so only one with the new words counts, and only twice in a row. */
async function livesWith(paths: ControlPlanePaths, words: readonly string[], withinMs: number): Promise<boolean> {
  const until = Date.now() + withinMs;
  let inARow = 0;
  let pid = 0;
  while (Date.now() < until) {
    const server = findServer(words);
    const good = server !== undefined && (await lives(paths.livez, paths.caFile));
    inARow = good && server.pid === pid ? inARow + 1 : 0;
    pid = server?.pid ?? 0;
    if (inARow >= 2) return true;
    await new Promise((next) => setTimeout(next, 1_000));
  }
  return false;
}

/** @returns whether it had to be told */
function tellKubeadm(paths: ControlPlanePaths, file: string): boolean {
  const ask = ["--namespace=kube-system", "get", "configmap", "kubeadm-config", "--ignore-not-found", "--output=json"];
  const found = kubectl(paths, ask);
  if (found.trim() === "") return false; // made without kubeadm: there is no upgrade that would forget
  const text = (JSON.parse(found) as { data: Record<string, string> }).data.ClusterConfiguration ?? "";
  const wanted = withSignInClusterConfiguration(text, file, paths.folder);
  if (wanted === text) return false;
  const patch = JSON.stringify({ data: { ClusterConfiguration: wanted } });
  kubectl(paths, [
    "--namespace=kube-system",
    "patch",
    "configmap",
    "kubeadm-config",
    "--type=merge",
    `--patch=${patch}`,
  ]);
  return true;
}

function kubectl(paths: ControlPlanePaths, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(
    paths.kubectl,
    [`--kubeconfig=${paths.adminKubeconfig}`, "--request-timeout=20s", ...args],
    { encoding: "utf8", timeout: 30_000 },
  );
  if (status === 0) return stdout;
  throw new Error(`kubeadm's own configuration could not be kept up to date: ${error?.message ?? stderr.trim()}`);
}
