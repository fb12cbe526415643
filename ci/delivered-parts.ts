/** Reads from the engine's state which parts the last deployment delivered to each host, as digests that the host can compare. */

import { z } from "zod";
import { type DeliveredDigests, digestOf } from "../agent/lib/delivered-digests.ts";
import { inForm, nameIn } from "../cli/stack/deployed-resources.ts";
import { parseJson } from "../clients/parse-json.ts";

const resource = z.object({
  urn: z.string(),
  type: z.string(),
  custom: z.boolean().default(false),
  delete: z.boolean().default(false),
  inputs: z.record(z.string(), z.unknown()).default({}),
});
const stateForm = z.object({ deployment: z.object({ resources: z.array(resource).nullish() }).nullish() });
const part = z.looseObject({
  kind: z.enum(["base", "maps", "account", "clones", "units"]),
  osUser: z.string().optional(),
});

export interface DeliveredToHost {
  readonly digests: DeliveredDigests;
  /** Every remote command and upload of the host, in the state's order: replacing all of them delivers everything anew. */
  readonly urns: readonly string[];
}

/**
 * Neither credentials nor the ingress secret are among the digests: they are secret, and a host keeps no credentials.
 * @param exported the engine's state, as `pulumi stack export` writes it
 * @param hosts names of the hosts
 * @returns by host; without a host to which nothing was ever delivered
 * @throws Refusal for what is not a state of the engine
 */
export function deliveredParts(exported: unknown, hosts: readonly string[]): ReadonlyMap<string, DeliveredToHost> {
  const resources = (inForm(stateForm, exported).deployment?.resources ?? []).filter(
    ({ custom, delete: isGoing, type }) => custom && !isGoing && type.startsWith("command:remote:"),
  );
  return new Map(
    hosts.flatMap((host) => {
      const own = resources.filter(({ urn }) => isOf(host, nameIn(urn)));
      const digests = Object.fromEntries(own.flatMap((one) => digestsOf(host, one)));
      return Object.keys(digests).length === 0 ? [] : [[host, { digests, urns: own.map(({ urn }) => urn) }] as const];
    }),
  );
}

/** Names as `components/devvm` gives them: `devvm-maps`, and `ada@devvm-units`. */
const isOf = (host: string, name: string): boolean =>
  OF_HOST.some((what) => name === `${host}-${what}`) ||
  OF_PERSON.some((what) => /^[a-z_][a-z0-9_-]*@/.test(name) && name.slice(name.indexOf("@") + 1) === `${host}-${what}`);

const OF_HOST = ["agent", "base", "ingress-secret", "maps", "settle"];
const OF_PERSON = ["account", "credentials", "clones", "units"];

function digestsOf(host: string, { urn, inputs }: z.output<typeof resource>): readonly (readonly [string, string])[] {
  const name = nameIn(urn);
  const [, sha256] = /\binstall --sha256 ([0-9a-f]{64})\b/.exec(String(inputs.create ?? "")) ?? [];
  const agent = name === `${host}-base` && sha256 !== undefined ? [["agent", sha256] as const] : [];
  // The state has the secret parts as ciphertext; what settles a host reads digests and no part.
  if (typeof inputs.stdin !== "string" || /-(credentials|ingress-secret|settle)$/.test(name)) return agent;
  const value = parseJson(inputs.stdin);
  const { kind, osUser } = inForm(part, value);
  return [...agent, [osUser === undefined ? kind : `${kind}.${osUser}`, digestOf(value)]];
}
