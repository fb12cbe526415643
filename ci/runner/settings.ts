/** Reads the runner's settings file: which repository it follows, and what the engine needs to say what is deployed. */

import { readFile } from "node:fs/promises";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { StepError } from "../environment.ts";

const plainName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, "must be a plain name");
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, "must be the name of an environment variable");
const credential = z.string().regex(/^[a-z][a-z0-9_]*$/, "must be the name of a credential");

const form = z.strictObject({
  /** Address of the forge, without a path. */
  forge: z.url({ protocol: /^https?$/, error: "must be the forge's address" }),
  owner: plainName,
  repository: plainName,
  /** The branch that deploys. */
  branch: plainName,
  stack: plainName,
  /** The forge account that reads the repository, and the credential that holds its token. */
  account: plainName,
  token: credential,
  /** Folder that the runner keeps its clones and its memory in; nobody else may write there. */
  state: z.string().regex(/^\//, "must be an absolute path"),
  /** Organisation of the stack; another one only where Pulumi Cloud keeps the state. */
  organization: plainName.default("organization"),
  /** The credential that says where the state is and what opens it, as lines `NAME=value`: the deployment's, or the previews'. */
  stateEnvironment: credential.default("ws_state_environment"),
  /** Plain variables of every step, in the place of what a container image would bring. */
  environment: z.record(variable, z.string()).default({}),
  /** Folders that go before the usual ones in PATH. */
  path: z.array(z.string().regex(/^\/[^:]*$/, "must be an absolute path")).default([]),
  /** Credentials that the pipelines name and this site does not have: their variables stay unset. */
  absent: z.array(credential).default([]),
});

export type RunnerSettings = z.output<typeof form>;

/** @throws StepError that names the file and every field that is wrong */
export async function readSettings(file: string): Promise<RunnerSettings> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new StepError(`${file} cannot be read (${cause.code}): docs/deployment.md lists its fields.`);
  });
  const parsed = form.safeParse(yamlOf(file, text));
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `  ${path.join(".") || "the whole"}: ${message}`);
  throw new StepError([`${file} cannot be used:`, ...wrong, "docs/deployment.md describes every field."].join("\n"));
}

function yamlOf(file: string, text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw new StepError(`${file} is not YAML: ${cause.message.split("\n")[0]}`, { cause });
  }
}
