/** Lists the owner of each tenant namespace, present and offboarded, sorted by the name of the namespace. */

import type { Desired, Email, K8sUser, Namespace, OsUser, Quota } from "../../roster/model.ts";

export interface Tenancy {
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  /** What the owner was called before, where the roster says so. */
  readonly formerOwner?: K8sUser;
  readonly osUser: OsUser;
  readonly quota: Quota;
  /** Who may work there; absent where the owner left, or their e-mail is not known. */
  readonly admit?: Email;
  /** The owner is no longer on the roster, or the namespace no longer on the owner's row. */
  readonly hasLeft: boolean;
}

export function tenanciesOf(desired: Desired): readonly Tenancy[] {
  const all = [...desired.people.values(), ...desired.left.values()].flatMap((person) => {
    const isIn = desired.people.has(person.osUser);
    const { k8sUser: owner, osUser, quota, email } = person;
    const was = desired.people.get(osUser)?.previously.k8sUser;
    const formerly = was === undefined ? {} : { formerOwner: was };
    const heldTenancies = (namespace: Namespace, hasLeft: boolean): Tenancy => {
      const admit = hasLeft || email === undefined ? {} : { admit: email };
      return { namespace, owner, osUser, quota, hasLeft, ...formerly, ...admit };
    };
    return [
      ...person.namespaces.map((namespace) => heldTenancies(namespace, !isIn)),
      ...person.formerNamespaces.map((namespace) => heldTenancies(namespace, true)),
    ];
  });
  return all.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}
