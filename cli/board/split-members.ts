/**
 * Separates the members of an object from the rest of it. Some objects are naturally one for many people (a binding of
 * a tier, the list of users who may push), and a difference in their members belongs to that person and not to
 * everybody.
 */

import { parseJson } from "../../clients/parse-json.ts";
import { NOBODY } from "../../roster/object-names.ts";
import { isObject } from "../../clients/kubernetes/compare-objects.ts";

/** Who an entry of a list is about, in the words of that surface. */
export interface Member {
  readonly by: "email" | "namespace" | "login";
  readonly name: string;
  /** As in "the binding oidc-admin: their e-mail". */
  readonly as: string;
}

export interface Split {
  /** By a key that is the same on both sides. */
  readonly members: ReadonlyMap<string, Member>;
  /** What is left to compare field by field. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** @param object a resource's inputs, or the object as a server has it */
export function splitMembers(type: string, object: Readonly<Record<string, unknown>>): Split {
  const members = new Map<string, Member>();
  const add = (member: Member, value = "") => members.set(`${member.as} ${member.name} ${value}`, member);
  const rest: Record<string, unknown> = { ...object };
  if (type.endsWith(":ClusterRoleBinding")) {
    for (const subject of listIn(object.subjects).map(memberOf)) if (subject.name !== NOBODY) add(subject);
    delete rest.subjects;
  } else if (type === "forgejo:index:BranchWriters") {
    for (const list of ["push", "merge"] as const) {
      for (const login of listIn(object[list]))
        add({ by: "login", name: String(login).toLowerCase(), as: `on the list "${list}"` });
    }
    for (const list of ["push", "merge", "members"]) delete rest[list];
  } else if (type.endsWith(":ConfigMap") && isObject(object.data)) {
    const { [PORTAL]: portal, ...others } = object.data;
    if (typeof portal === "string") {
      for (const [name, entry] of Object.entries(entriesIn(portal)))
        add({ by: "email", name, as: "their entry" }, JSON.stringify(entry));
      rest.data = others;
    }
  }
  return { members, rest };
}

/** The portal's map, e-mail to what it shows them. */
const PORTAL = "users.json";

function memberOf(subject: unknown): Member {
  const { kind, name, namespace } = isObject(subject) ? subject : {};
  return kind === "ServiceAccount"
    ? { by: "namespace", name: String(namespace), as: `the account ${String(name)}` }
    : { by: "email", name: String(name), as: "their e-mail" };
}

/** Whatever was written there by hand is no map, and everybody is missing in it. */
function entriesIn(text: string): Readonly<Record<string, unknown>> {
  const map = parseJson(text);
  return isObject(map) ? map : {};
}

const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
