/** Reads the runner's credentials: one file each, which the service manager hands to this service alone. */

import { open } from "node:fs/promises";
import { StepError } from "../environment.ts";

/** Values by name. Never shown. */
export type Credentials = ReadonlyMap<string, string>;

/** A kubeconfig with its certificates is smaller. */
const MAX_BYTES = 256 * 1024;

/**
 * @param prefix what stands before a credential's name in its path, as in `/run/credentials/x.service/secret_`
 * @param names which credentials are needed
 * @throws StepError that names the credential and never its value
 */
export async function readCredentials(prefix: string, names: Iterable<string>): Promise<Credentials> {
  const values = new Map<string, string>();
  for (const name of new Set(names)) values.set(name, await readOne(name, `${prefix}${name}`));
  return values;
}

async function readOne(name: string, path: string): Promise<string> {
  const file = await open(path, "r").catch((cause: NodeJS.ErrnoException) => {
    throw new StepError(
      `The credential ${name} cannot be read (${cause.code} at ${path}). Add a file of that name to the credentials, ` +
        "or name it under absent in the settings if this site does not have it.",
    );
  });
  try {
    const { size } = await file.stat();
    if (size > MAX_BYTES)
      throw new StepError(`The credential ${name} has ${size} bytes; at most ${MAX_BYTES} are expected.`);
    // Of lines NAME=value, a shell would take a return at the end for a part of the value.
    const value = (await file.readFile("utf8")).replaceAll("\r\n", "\n").replace(/\n$/, "");
    if (value !== "") return value;
    throw new StepError(`The credential ${name} is empty (${path}).`);
  } finally {
    await file.close();
  }
}
