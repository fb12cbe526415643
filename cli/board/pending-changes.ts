/** Finds pending changes: compares the program's declarations with those of the last deployment. */

import type { Finding } from "./finding.ts";
import { splitMembers } from "./split-members.ts";
import { keyOf, type DeployedState } from "../stack/deployed-resources.ts";
import { differences } from "../../clients/kubernetes/compare-objects.ts";
import { partOf, type Register, surfaceOf } from "./resource-owner.ts";

export interface Wanted {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** Everything that the next deployment would make, change or take away. */
export function pendingFindings(
  wanted: readonly Wanted[],
  memory: DeployedState,
  register: Register,
): readonly Finding[] {
  const found: Finding[] = [];
  const keys = new Set(wanted.map(keyOf));
  const add = ({ type, name, inputs }: Wanted, what: string) => {
    const owner = register.of(type, inputs);
    found.push({
      whose: owner,
      surface: surfaceOf(type, owner),
      state: "pending",
      what: `${titleOf(type, name, inputs)}: ${what}`,
    });
  };
  for (const want of wanted) {
    const made = memory.resources.get(keyOf(want));
    if (made === undefined) {
      add(want, "is not delivered yet");
      continue;
    }
    const now = splitMembers(want.type, comparable(want));
    const then = splitMembers(want.type, comparable(made));
    if (differences(now.rest, then.rest).length > 0) add(want, "is decided otherwise since the last deployment");
    for (const [sign, from, without] of [
      ["comes in with", now, then],
      ["goes with", then, now],
    ] as const) {
      for (const [key, member] of from.members) {
        if (without.members.has(key)) continue;
        const owner = register.ofMember(member);
        const what = `${titleOf(want.type, want.name, want.inputs)}: ${member.as} ${sign} the next deployment`;
        found.push({
          whose: owner,
          surface: surfaceOf(want.type, register.of(want.type, want.inputs)),
          state: "pending",
          what,
        });
      }
    }
  }
  for (const [key, made] of memory.resources) {
    if (!keys.has(key) && !isElsewhere(made)) add(made, "goes with the next deployment");
  }
  return found;
}

/** The API server's sign-in is on control planes, which nobody's row speaks of. */
const isElsewhere = ({ type, inputs }: Wanted) =>
  type.startsWith("command:") && !/workstation/.test(String(inputs.create ?? inputs.remotePath));

/** How to reach a host is no one's state, and what is uploaded is known by its checksum. */
function comparable({ type, inputs }: Wanted): Readonly<Record<string, unknown>> {
  if (!type.startsWith("command:")) return inputs;
  const { connection: _, source: __, triggers, create, ...rest } = inputs;
  // The settling runs whenever anything before it does.
  return SETTLE.test(String(create)) ? {} : { ...rest, create, ...(type.endsWith(":Command") ? {} : { triggers }) };
}

const SETTLE = /^\/usr\/local\/sbin\/workstation settle\b/;

/** What an operator calls it. */
export function titleOf(type: string, name: string, inputs: Readonly<Record<string, unknown>>): string {
  const kind = type.split(":").at(-1) ?? type;
  const { metadata } = inputs as { readonly metadata?: { readonly name?: string; readonly namespace?: string } };
  if (metadata?.name !== undefined)
    return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
  const part = partOf(inputs).kind;
  if (type.startsWith("command:")) return typeof part === "string" ? `the part "${part}"` : name;
  const called = inputs.login ?? inputs.name ?? inputs.roleName ?? inputs.branch ?? inputs.pattern ?? name;
  return `${TITLES.get(type) ?? kind} ${String(called)}`;
}

const TITLES: ReadonlyMap<string, string> = new Map([
  ["forgejo:index:AccessToken", "the clone token of"],
  ["forgejo:index:BranchProtection", "the protection of"],
  ["forgejo:index:BranchWriters", "who may push to"],
  ["forgejo:index:Collaborator", "collaborator"],
  ["forgejo:index:TagProtection", "who may push the tags"],
  ["vault:index/policy:Policy", "policy"],
  ["vault:kubernetes/authBackendRole:AuthBackendRole", "role"],
  ["vaultpeople:index:Person", "entity"],
  ["vaultpeople:index:WorkstationToken", "the token with the policy"],
]);
