/**
 * Compares what was read of one object with what the last deployment made, and returns the differences as findings. The
 * cluster, Vault and the forge all report through it, so their findings have one form.
 */

import type { Finding } from "./finding.ts";
import { splitMembers } from "./split-members.ts";
import { titleOf } from "./pending-changes.ts";
import type { DeployedResource } from "../stack/deployed-resources.ts";
import { differences } from "../../clients/kubernetes/compare-objects.ts";
import { type Register, surfaceOf } from "./resource-owner.ts";

export type Look =
  | { readonly kind: "found"; readonly object: Readonly<Record<string, unknown>>; readonly faults?: readonly Fault[] }
  | { readonly kind: "gone" }
  | { readonly kind: "unread"; readonly why: string };

/** What only the surface itself can tell. */
export interface Fault {
  readonly state: Finding["state"];
  readonly what: string;
}

/** @param made what the last deployment made; its secrets are not compared */
export function driftOf(made: DeployedResource, look: Look, register: Register): readonly Finding[] {
  const { type, name, inputs } = made;
  const owner = register.of(type, inputs);
  const surface = surfaceOf(type, owner);
  const title = titleOf(type, name, inputs);
  const finding = (state: Finding["state"], what: string, who = owner): Finding => {
    return { whose: who, surface, state, what: `${title}: ${what}` };
  };
  if (look.kind === "unread") return [finding("unknown", look.why)];
  if (look.kind === "gone") return [finding("changed", "is gone")];
  const want = splitMembers(type, inputs);
  const have = splitMembers(type, look.object);
  const fields = differences(want.rest, have.rest).map(({ path }) => path);
  const missing = [...want.members].filter(([key]) => !have.members.has(key));
  const extra = [...have.members].filter(([key]) => !want.members.has(key));
  return [
    ...(fields.length === 0 ? [] : [finding("changed", `differs in ${fields.slice(0, MOST_FIELDS).join(", ")}`)]),
    ...missing.map(([, member]) => finding("changed", `${member.as} is missing`, register.ofMember(member))),
    ...extra.map(([, member]) =>
      finding("changed", `${member.as} (${member.name}) was added by another user`, register.ofMember(member)),
    ),
    ...(look.faults ?? []).map(({ state, what }) => finding(state, what)),
  ];
}

/** More would say no more. */
const MOST_FIELDS = 3;
