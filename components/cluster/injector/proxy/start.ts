/** Reads the injector's configuration at its start. An error in it keeps the pod from becoming ready. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { InjectorConfig } from "./contract.ts";
import type { FilterRules } from "./request-filter.ts";

/** Where the parts of the configuration lie; the pod's own are `PLACES`. */
export interface MountPaths {
  readonly config: string;
  readonly map: string;
  /** A folder: what must be sent is in its files. */
  readonly sharedSecret: string;
}

export interface Started {
  readonly config: InjectorConfig;
  readonly rules: FilterRules;
}

/** @throws Error with one sentence and no secret in it: the old pods go on serving while this one does not start */
export function readStart(paths: MountPaths): Started {
  const config = parsed(readFileSync(paths.config, "utf8"), "the configuration") as InjectorConfig;
  if (config.version !== 1) throw new Error("the configuration is of another version than this program");
  const tokens = readTokens(paths.map);
  if (tokens.size !== config.identities) {
    throw new Error(`the map holds ${tokens.size} identities where ${config.identities} were written`);
  }
  const { origin, identityHeader, handOn, admitted, sharedSecretHeader, passHeaders } = config;
  const rules = {
    origin,
    identityHeader,
    handOn,
    passHeaders,
    tokens,
    ...(admitted === undefined ? {} : { admitted }),
    ...(sharedSecretHeader === undefined
      ? {}
      : { sharedSecret: { header: sharedSecretHeader, accepted: acceptedSecrets(paths.sharedSecret) } }),
  };
  return { config, rules };
}

/** Every file of the folder is a JSON object, identity to token. The same identity in two of them is refused. */
function readTokens(folder: string): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  for (const name of names.sort()) {
    const entries: unknown = parsed(readFileSync(`${folder}/${name}`, "utf8"), `the map's ${name}`);
    if (typeof entries !== "object" || entries === null || Array.isArray(entries)) {
      throw new Error(`the map's ${name} is not a map`);
    }
    for (const [identity, token] of Object.entries(entries)) {
      if (typeof token !== "string" || !/^[\w.~+/=-]{16,}$/.test(token)) {
        throw new Error(`the map's ${name} holds something that is no token`);
      }
      if (tokens.has(identity)) throw new Error(`the map's ${name} holds an identity that another file holds too`);
      tokens.set(identity, token);
    }
  }
  return tokens;
}

/** The secret of now, and while it is rotated the former one: a file each. */
function acceptedSecrets(folder: string): readonly string[] {
  const values = ["value", "previous"]
    .map((name) => `${folder}/${name}`)
    .filter((file, i) => i === 0 || existsSync(file))
    .map((file) => readFileSync(file, "utf8"));
  if (values.some((value) => value.length < 16)) throw new Error("the shared secret is too short to be one");
  return values;
}

/** JSON's own error would quote the text, and the text is secret. */
function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new Error(`${what} is not JSON`);
    throw cause;
  }
}
