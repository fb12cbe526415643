/**
 * Finds the names by which the state of an earlier version knows the policies and roles of a person: their parts were joined by
 * a hyphen, which can also stand in a part, so one name could be two people's.
 */

import type { Desired, Holder, K8sUser, LedgerEntry, Namespace, OsUser } from "../../roster/model.ts";
import { workstationPolicyName } from "./names.ts";

type Alias = { readonly name: string };

/**
 * Each is empty where the name could be another resource's, too. The engine then writes the policy or role anew and deletes the
 * former resource, which has the same name in Vault: it is missing there until the next deployment with a refresh.
 */
export interface FormerResourceNames {
  ofRole(person: Holder, namespace: Namespace): Alias[];
  ofOwnerPolicy(person: Holder): Alias[];
  ofWorkstationPolicy(person: Holder): Alias[];
}

/** @returns one alias for each resource at most: the engine adds those of the component's own former names */
export function formerResourceNames({
  ledger,
  handedOver,
}: Pick<Desired, "ledger" | "handedOver">): FormerResourceNames {
  const roles = new Map<string, Set<string>>();
  const policies = new Map<string, Set<string>>();
  for (const [osUser, entry] of ledger.people) {
    for (const k8sUser of k8sUsersOf(entry)) {
      const namespaces = [...entry.namespaces, ...entry.formerNamespaces, ...(handedOver.get(osUser) ?? [])];
      for (const namespace of namespaces) claim(roles, joined(k8sUser, namespace), namespace);
      claim(policies, joined(k8sUser, OWNER), `${OWNER} ${entry.uid}`);
      claim(policies, joined(k8sUser, WORKSTATION), `${WORKSTATION} ${entry.uid}`);
    }
    for (const name of [osUser, ...entry.formerNames]) claim(policies, byAccount(name), `${WORKSTATION} ${entry.uid}`);
  }
  const aliases = (claims: ReadonlyMap<string, ReadonlySet<string>>, { k8sUser, ...more }: Holder, part: string) => {
    const names = k8sUsersOf({ k8sUser, ...more }).map((name) => joined(name, part));
    return names.every((name) => (claims.get(name)?.size ?? 0) <= 1) ? [{ name: joined(k8sUser, part) }] : [];
  };
  return {
    ofRole: (person, namespace) => aliases(roles, person, namespace),
    ofOwnerPolicy: (person) => aliases(policies, person, OWNER),
    ofWorkstationPolicy: (person) => aliases(policies, person, WORKSTATION),
  };
}

const OWNER = "owner";
const WORKSTATION = "workstation";

const joined = (k8sUser: K8sUser, part: string): string => `vault-${k8sUser}-${part}`;
const byAccount = (osUser: OsUser): string => `vault-${workstationPolicyName(osUser)}`;
const k8sUsersOf = ({ k8sUser, formerK8sUsers = [] }: Pick<LedgerEntry, "k8sUser" | "formerK8sUsers">) => [
  k8sUser,
  ...formerK8sUsers,
];

/** @param by which resource it would be */
function claim(claims: Map<string, Set<string>>, name: string, by: string): void {
  claims.set(name, (claims.get(name) ?? new Set()).add(by));
}
