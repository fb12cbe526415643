/** Reads which files hold data from a checkout's `Pulumi.<stack>.yaml`: only these are ever taken from a branch. */

import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { type Document, parseDocument } from "yaml";
import { StepError } from "./environment.ts";
import type { Git } from "./git.ts";

/** A setting whose value is the path of a file of the repository. */
export type DataPath = readonly [key: string, ...below: string[]];

export const ROSTER: DataPath = ["workstation:roster"];

export const USER_MAP_FILE: DataPath = ["workstation:userMapFile"];

/** Everything that a preview takes from a branch: people, the guidance text, and a user map where it is a file. */
export const DATA: readonly DataPath[] = [ROSTER, ["workstation:devvm", "guidanceFile"], USER_MAP_FILE];

/** @throws StepError when there is no such file or it is no YAML */
export async function openStackFile(folder: string, stack: string): Promise<Document> {
  const file = `Pulumi.${stack}.yaml`;
  const text = await readFile(join(folder, file), "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new StepError(`${file} cannot be read (${cause.code}); WS_STACK has to name a stack of this repository.`);
  });
  return parseStackFile(file, text);
}

/**
 * The stack's file of a commit, from git's objects.
 * @returns undefined where the commit has none
 * @throws StepError when it is no regular file or no YAML
 */
export async function stackFileAt(git: Git, commit: string, stack: string): Promise<Document | undefined> {
  const file = `Pulumi.${stack}.yaml`;
  const content = await git.file(commit, file);
  return content && parseStackFile(`${file} of ${commit.slice(0, 12)}`, content.toString("utf8"));
}

function parseStackFile(file: string, text: string): Document {
  const document = parseDocument(text);
  const [wrong] = document.errors;
  if (wrong !== undefined) throw new StepError(`${file}: ${wrong.message.split("\n")[0]}`);
  return document;
}

/** Path of a data file relative to the repository, as git writes it; or undefined where the stack names none. */
export function dataFile(document: Document, path: DataPath): string | undefined {
  const value = document.getIn(["config", ...path]);
  if (value === undefined && path === ROSTER) return "roster.yaml";
  return typeof value === "string" ? posix.normalize(value) : undefined;
}

/** Puts another file in its place. */
export function useFile(document: Document, path: DataPath, file: string): void {
  document.setIn(["config", ...path], file);
}

/**
 * Whether a non-admin's push that raises rights or changes the program waits for an admin's confirmation.
 * Everything but the exact word `announce` counts as `confirm`.
 */
export const nonAdminPushes = (document: Document): "confirm" | "announce" =>
  document.getIn(["config", "workstation:nonAdminPushes"]) === "announce" ? "announce" : "confirm";

/** Whether the stack manages the forge, and so has the rule of the tags `confirm/*` in its state once it was deployed. */
export const managesForge = (document: Document): boolean => document.hasIn(["config", "workstation:forgejo"]);

/** Names of the stack's hosts, the first is the default; needed to read a roster. */
export function hostNames(document: Document): readonly string[] {
  const hosts = document.toJS().config?.["workstation:hosts"] as unknown;
  if (!Array.isArray(hosts)) return [];
  return hosts.flatMap((host: { readonly name?: unknown }) => (typeof host.name === "string" ? [host.name] : []));
}
