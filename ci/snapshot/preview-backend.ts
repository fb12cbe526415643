/** Opens the backend with the state that previews start from; backend and passphrase are others than the deployment's. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { FULL_HASH } from "../../roster/deployment-message.ts";
import { mustPulumi, pulumi, type StackAt } from "../engine.ts";
import { requiredVariable, parseEnvironment, StepError, withoutSecrets } from "../environment.ts";

/**
 * The engine's variables for the previews' place: nothing of the deployment's own state or passphrase is left in them.
 * @param backendUrl another place that the same passphrase opens
 */
export function previewBackendEnv(backendUrl?: string): Readonly<Record<string, string | undefined>> {
  const backend = parseEnvironment("WS_PREVIEW_ENVIRONMENT", requiredVariable("WS_PREVIEW_ENVIRONMENT"));
  for (const name of ["PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"])
    if (backend[name] === undefined)
      throw new StepError(`WS_PREVIEW_ENVIRONMENT must have a line ${name}=…: docs/deployment.md describes it.`);
  return {
    ...withoutSecrets(),
    PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
    ...backend,
    ...(backendUrl === undefined ? {} : { PULUMI_BACKEND_URL: backendUrl }),
  };
}

/** The commit whose deployment was published there. @throws StepError where none was, or not by its full hash */
export async function publishedCommit(at: StackAt): Promise<string> {
  const commit = (await mustPulumi(at, ["stack", "output", "previewCommit"])).trim();
  if (FULL_HASH.test(commit)) return commit;
  throw new StepError(
    "The published state names no full hash of a deployed commit: the pipeline of the next push publishes it anew.",
  );
}

/** Runs with a project folder of its own, so that no stack's file of a checkout is written to; it is gone afterwards. */
export async function withScratch<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "workstation-preview-"));
  try {
    await writeFile(join(folder, "Pulumi.yaml"), "name: workstation\nruntime: nodejs\n");
    return await action(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The stack at a place, made where there is none. @returns the salt that its passphrase is used with there */
export async function openPreviewBackend(at: StackAt): Promise<string> {
  const there = await pulumi(at, ["stack", "history", "--json", "--page-size", "1"]);
  if (there.code !== 0) await mustPulumi(at, ["stack", "init"]);
  // The first encrypted setting makes the salt.
  await mustPulumi(at, ["config", "set", "--secret", "place"], { input: "salt" });
  const file = parse(await readFile(join(at.folder, `Pulumi.${at.stack}.yaml`), "utf8"));
  return z.object({ encryptionsalt: z.string() }).parse(file).encryptionsalt;
}
