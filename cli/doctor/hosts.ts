/** Checks a host over SSH: the login and its rights, its clock, the packages that apt knows, and the programs of its settings. */

import { readFileSync } from "node:fs";
import { isInspectable, type OutsideProgram } from "../../agent/shared/outside-programs.ts";
import { ClientError } from "../../clients/client-error.ts";
import type { Host, HostAnswer, HostCommand } from "../../clients/ssh/run-command.ts";
import { clockCheck } from "./clock.ts";
import { type Check, missing, ok, type Target, untried } from "./model.ts";

/** What a host must have. */
export interface HostNeeds {
  readonly packages: readonly string[];
  readonly programs: readonly OutsideProgram[];
  readonly node: NodeNeed;
  /** Whether people get rights by sudo there. */
  readonly sudo: boolean;
  /** The setting that holds the private key. */
  readonly keySetting: string;
}

/** `/usr/bin/node`, which the deployment installs where there is none; or any that the login finds, which nobody installs. */
export type NodeNeed = "/usr/bin/node" | "on the path";

/** Runs a command on the host. @throws ClientError where it cannot be reached */
export type RunOnHost = (command: HostCommand) => Promise<HostAnswer>;

/** A host that cannot be reached, or answers in part, is one finding. */
export async function hostChecks(host: Host, needs: HostNeeds, run: RunOnHost): Promise<readonly Check[]> {
  const target = targetOf(host);
  const wanted = [
    ...(needs.node === "on the path" ? ["node:path"] : []),
    ...needs.packages.map((name) => `package:${name}`),
    ...needs.programs.flatMap(({ path }) => (path !== undefined && isInspectable(path) ? [`program:${path}`] : [])),
  ];
  const sentMs = Date.now();
  try {
    const answer = await run({ argv: ["/bin/sh", "-s", "--", ...wanted], stdin: SCRIPT, timeoutMs: 120_000 });
    if (answer.code !== 0 || !answer.stdout.endsWith("\nend\n")) {
      return [
        missing(target, "answer", {
          found: `exit code ${answer.code}, and ${oneLine(answer.stderr) || "no error"}`,
          expected: "a whole answer",
          remedy: `run a command there by hand: ssh -p ${host.port} ${host.user}@${host.address} id`,
        }),
      ];
    }
    return judgeHost(host, needs, answer.stdout, { sentMs, answeredMs: Date.now() });
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    return [
      missing(target, "login", {
        found: cause.message,
        expected: "a login by the configured key, on a host with the configured host key",
        remedy:
          `compare hosts[].hostKey with: ssh-keyscan -p ${host.port} -t ${host.hostKey.split(" ")[0]?.replace(/^ssh-/, "")} ${host.address}\n` +
          `and put the public key of ${needs.keySetting} into ~${host.user}/.ssh/authorized_keys there`,
      }),
    ];
  }
}

const SCRIPT = readFileSync(new URL("host.sh", import.meta.url), "utf8");

const targetOf = (host: Host): Target => ({
  ...{ surface: "host", where: `${host.name} (${host.address}:${host.port})`, who: host.user },
});

/** Pure. @param printed what the script printed @param between when it was asked and when it had answered */
export function judgeHost(
  host: Host,
  { packages, programs, node, sudo }: HostNeeds,
  printed: string,
  between: { readonly sentMs: number; readonly answeredMs: number },
): readonly Check[] {
  const target = targetOf(host);
  const answers = new Map(
    printed
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" ") + 1)]),
  );
  return [
    ok(target, "login", "by the pinned host key"),
    rights(target, host, answers),
    node === "on the path"
      ? nodeOnPath(target, answers.get("node on the path") ?? "none")
      : ownNode(target, answers.get("node") ?? "none"),
    ...(sudo ? [sudoCheck(target, answers.get("visudo") ?? "none")] : []),
    ...packages.map((name) => packageCheck(target, name, answers.get(`package ${name}`), answers.get("lists"))),
    ...programs.map((program) => programCheck(target, program, answers)),
    clockCheck({ ...target, surface: "clock" }, Number(answers.get("clock")) * 1000, between),
  ];
}

function rights(target: Target, { user }: Host, answers: ReadonlyMap<string, string>): Check {
  const uid = answers.get("uid");
  if (uid === "0") return ok(target, "rights", "root");
  return missing(target, "rights", {
    found: `the login ${user} has uid ${uid}`,
    expected: "root: the program runs its commands as the login itself, without sudo",
    remedy: `put the public key into /root/.ssh/authorized_keys on ${target.where}`,
  });
}

const majorOf = (version: string): number => Number(/^v(\d+)\./.exec(version)?.[1] ?? 0);

/** A control plane's: the deployment runs a program by it and installs nothing there. */
function nodeOnPath(target: Target, version: string): Check {
  if (majorOf(version) >= OLDEST_NODE) return ok(target, "node", version);
  return missing(target, "node", {
    found: version === "none" ? "no node on the login's path" : version,
    expected: `node of version ${OLDEST_NODE} or newer, by which the API server's sign-in is set up`,
    remedy: "apt-get update && apt-get install --yes --no-install-recommends nodejs",
  });
}

/** A host's of people: the agent and its units run by it. */
function ownNode(target: Target, version: string): Check {
  const major = majorOf(version);
  if (major >= OLDEST_NODE) return ok(target, "node", version);
  if (version === "none") return ok(target, "node", "not there yet; the deployment installs Debian's package nodejs");
  return missing(target, "node", {
    found: major === 0 ? `no /usr/bin/node; node on the path: ${version}` : version,
    expected: `/usr/bin/node of version ${OLDEST_NODE} or newer, by which the agent runs`,
    remedy: "apt-get update && apt-get install --yes --no-install-recommends nodejs",
  });
}

const OLDEST_NODE = 18;

function sudoCheck(target: Target, visudo: string): Check {
  if (visudo === "yes") return ok(target, "sudo", "takes regular expressions in its rules");
  // The package check says whether it can be had.
  if (visudo === "none") return ok(target, "sudo", "not there yet; the deployment installs it");
  return missing(target, "sudo", {
    found: "it rejects regular expressions in its rules",
    expected: "sudo 1.9.10 or newer (sudo-rs has no regular expressions)",
    remedy: "apt-get install --yes sudo",
  });
}

function packageCheck(target: Target, name: string, state: string | undefined, lists: string | undefined): Check {
  if (state === "installed") return ok(target, `package ${name}`, "installed");
  if (state === "known") return ok(target, `package ${name}`, "known to apt; the deployment installs it");
  if (lists === "none")
    return untried(
      target,
      `package ${name}`,
      "apt has no lists of packages there yet; the deployment fetches them and installs it",
      "to try it now, run on the host: apt-get update, then ./ws doctor again",
    );
  return missing(target, `package ${name}`, {
    found: "apt knows no such package",
    expected: "a name that apt-cache policy knows",
    remedy: `apt-get update, then ./ws doctor again; if it stays, apt-cache search ${name}, and correct the name in devvm.packages`,
  });
}

/** Says of a program whether it is there, what it is for, and what fails without it. */
function programCheck(target: Target, program: OutsideProgram, answers: ReadonlyMap<string, string>): Check {
  const { path, purpose, without, setting, isOptional } = program;
  if (path === undefined) return ok(target, `program of ${setting}`, `not set, so ${without}`);
  const what = `program ${path}`;
  if (!isInspectable(path))
    return untried(
      target,
      what,
      `${purpose}; it lies where only its person looks`,
      `look as one of them: ls -l ${path.replaceAll("%i", "NAME")}; without it ${without}`,
    );
  if (answers.get(what) === "there") return ok(target, what, `there; ${purpose}`);
  const correction = setting === undefined ? "" : `, correct ${setting}, or remove it where nobody needs it`;
  const remedy = `install ${path} on ${target.where}${correction}`;
  if (isOptional === true) return untried(target, what, `${purpose}; not there for everybody, so ${without}`, remedy);
  return missing(target, what, {
    found: `there is no such program, so ${without}`,
    expected: `an executable file: ${purpose}`,
    remedy,
  });
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s+/g, " ").slice(0, 300);
