/** Writes the configuration of one preview: the deployed settings, other data, and credentials that can only read. */

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Document } from "yaml";
import { PROJECT } from "../../cli/pulumi.ts";
import { mustPulumi, type StackAt } from "../engine.ts";
import { requiredVariable, StepError } from "../environment.ts";
import { CREDENTIALS } from "../snapshot/publish.ts";
import { WITHHELD } from "../snapshot/secret-placeholders.ts";
import { dataFile, openStackFile, useFile, USER_MAP_FILE } from "../stack-file.ts";
import type { Data } from "./branch-data.ts";

export interface PreviewInput {
  readonly stack: string;
  /** A folder of the preview's own. */
  readonly folder: string;
  /** The engine's variables for the copy of the state. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly data: Data;
  /** The user map of the last deployment, where the stack has it in Vault. */
  readonly userMap: string | undefined;
}

/**
 * Every encrypted setting is left out; the program's credentials are replaced by a preview's.
 * @returns the configuration's path
 */
export async function writeConfig({ stack, folder, env, data, userMap }: PreviewInput): Promise<string> {
  const document = await openStackFile(PROJECT, stack);
  document.delete("encryptionsalt");
  document.delete("secretsprovider");
  const encrypted = takeEncrypted(document);
  for (const [path, { name, content }] of data) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    useFile(document, path, file);
  }
  if (dataFile(document, USER_MAP_FILE) === undefined && document.hasIn(["config", "workstation:vault"])) {
    if (userMap === undefined)
      throw new StepError("No user map was published for previews yet: the pipeline of the next push publishes it.");
    const file = join(folder, "deployed-user-map.json");
    await writeFile(file, userMap, { mode: 0o600 });
    useFile(document, USER_MAP_FILE, file);
  }
  const configFile = join(folder, `Pulumi.${stack}.yaml`);
  await writeFile(configFile, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  const readers = new Map<string, string>(CREDENTIALS.map(([key, variable]) => [`workstation:${key}`, variable]));
  const at: StackAt = { stack, folder, env: { ...env }, configFile };
  await writeFile(join(folder, "Pulumi.yaml"), "name: workstation\nruntime: nodejs\n");
  for (const path of encrypted) {
    const variable = readers.get(path.join("."));
    const value = variable === undefined ? WITHHELD : requiredVariable(variable as (typeof CREDENTIALS)[number][1]);
    const [key = "", ...below] = path;
    const name = [key, ...below.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))].join("");
    await mustPulumi(at, ["config", "set", "--secret", ...(below.length > 0 ? ["--path"] : []), name], {
      input: value,
    });
  }
  return configFile;
}

/** Removes every encrypted value and answers where they stood. */
function takeEncrypted(document: Document): readonly (readonly (string | number)[])[] {
  const found: (string | number)[][] = [];
  const look = (value: unknown, path: readonly (string | number)[]): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value) && Object.keys(value).join() === "secure") return void found.push([...path]);
    for (const [key, item] of Object.entries(value)) look(item, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  look(document.toJS().config, []);
  for (const path of found) document.deleteIn(["config", ...path]);
  return found;
}
