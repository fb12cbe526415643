/** Determines the owner of a resource from its inputs, by the names that the program itself gives. */

import type { Desired, OsUser } from "../../roster/model.ts";
import { deployerRole, ownerPolicy, workstationPolicy } from "../../roster/object-names.ts";
import type { Owner } from "./finding.ts";
import { parseJson } from "../../clients/parse-json.ts";
import type { Member } from "./split-members.ts";
import type { Surface } from "./model.ts";
import { isObject } from "../../clients/kubernetes/compare-objects.ts";

/** The labels that the cluster's objects carry. */
export interface Labels {
  readonly owner: string;
  /** Value of `app.kubernetes.io/part-of` of the public site's objects. */
  readonly site: string;
}

export interface Register {
  readonly of: (type: string, inputs: Readonly<Record<string, unknown>>) => Owner;
  readonly ofMember: (member: Member) => Owner;
  readonly isSomebody: (name: string) => boolean;
}

/** Everybody who is or was somebody here, by each of their names. */
export function registerOf({ people, left }: Desired, labels: Labels): Register {
  const by = {
    osUser: new Map<string, OsUser>(),
    k8sUser: new Map<string, OsUser>(),
    email: new Map<string, OsUser>(),
    login: new Map<string, OsUser>(),
    namespace: new Map<string, OsUser>(),
    vault: new Map<string, OsUser>(),
  };
  for (const { osUser, formerForgejoLogins } of [...left.values(), ...people.values()])
    for (const login of formerForgejoLogins) by.login.set(login.toLowerCase(), osUser);
  // Those who left first: a name that is somebody else's by now is theirs.
  for (const person of [...left.values(), ...people.values()]) {
    const { osUser, k8sUser, email, namespaces, formerNamespaces } = person;
    const login =
      "forgejoLogin" in person ? person.forgejoLogin : "forgejo" in person ? person.forgejo?.login : undefined;
    by.osUser.set(osUser, osUser);
    by.k8sUser.set(k8sUser, osUser);
    if (email !== undefined) by.email.set(email.toLowerCase(), osUser);
    if (login !== undefined) by.login.set(login.toLowerCase(), osUser);
    for (const namespace of [...formerNamespaces, ...namespaces]) {
      by.namespace.set(namespace, osUser);
      by.vault.set(deployerRole(namespace), osUser);
    }
    by.vault.set(ownerPolicy(k8sUser), osUser);
    by.vault.set(workstationPolicy(osUser), osUser);
  }
  const owner = (index: ReadonlyMap<string, OsUser>, name: unknown): Owner => {
    const person = typeof name === "string" ? index.get(name) : undefined;
    return person === undefined ? "everybody" : { person };
  };
  const of: Register["of"] = (type, inputs) => {
    if (type.startsWith("kubernetes:")) {
      const found = labelsOf(inputs);
      if (found["app.kubernetes.io/part-of"] === labels.site) return "site";
      return owner(by.k8sUser, found[labels.owner]);
    }
    if (type.startsWith("command:")) return owner(by.osUser, partOf(inputs).osUser);
    if (type.startsWith("vault")) return owner(by.vault, inputs.name ?? inputs.roleName);
    if (typeof inputs.login === "string") return owner(by.login, inputs.login.toLowerCase());
    return "everybody";
  };
  const ofMember: Register["ofMember"] = ({ by: kind, name }) => {
    return owner(by[kind], kind === "email" || kind === "login" ? name.toLowerCase() : name);
  };
  return { of, ofMember, isSomebody: (name) => by.osUser.has(name) };
}

/** What a type of resource is part of. */
export function surfaceOf(type: string, owner: Owner): Surface {
  if (owner === "site") return "site";
  if (type.startsWith("kubernetes:")) return "cluster";
  if (type.startsWith("command:")) return "host";
  return type.startsWith("forgejo:") ? "forge" : "vault";
}

/** Labels of an object of the cluster; none where it has none. */
export function labelsOf({ metadata }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const labels = isObject(metadata) ? metadata.labels : undefined;
  return isObject(labels) ? labels : {};
}

/** The part that a remote command hands over; empty where it hands over none, or a secret one. */
export function partOf({ stdin }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const part = typeof stdin === "string" ? parseJson(stdin) : undefined;
  return isObject(part) ? part : {};
}
