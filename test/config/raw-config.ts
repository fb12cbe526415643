/** Configuration as the engine hands it to the program: strings as they are, everything else as JSON. */

import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";
import { parseSettings } from "../../config/settings/parse.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";

export type Raw = Readonly<Record<string, string>>;

/** Values by their names without the namespace, as somebody writes them in YAML. */
export const raw = (values: Readonly<Record<string, unknown>>): Raw =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      `workstation:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );

/** The configuration of a file of the project, without what only a running stack has. */
export function rawOf(file: string): Raw {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const { config } = z.object({ config: z.record(z.string(), z.unknown()) }).parse(parse(text));
  const entries = Object.entries(config).map(([key, value]) => [key.replace("workstation:", ""), value]);
  return raw(Object.fromEntries(entries) as Record<string, unknown>);
}

/** The least that a stack must say, and the commands of people's services. */
export const LEAST = {
  hosts: [{ name: "devvm", address: "10.0.0.6", hostKey: "ssh-ed25519 AAAA" }],
  sshPrivateKey: "the key",
  devvm: {
    commands: { t3: ["/bin/t3"], browser: ["/bin/browser"], credentialSync: ["/bin/sync"] },
    repositories: { infraMirror: "https://mirror.test/infra.git", forgejo: "https://forge.test/", owner: "ops" },
  },
};

/** Settings with these values beside the least. */
export const settings = (more: Readonly<Record<string, unknown>> = {}): StackSettings =>
  parseSettings(raw({ ...LEAST, ...more }), "Pulumi.test.yaml");
