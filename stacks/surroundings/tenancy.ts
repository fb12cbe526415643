/** Who holds which namespace, present and left, in the order of the namespaces' names. */

import type { Desired, Email, K8sUser, Namespace, OsUser, Quota } from "../../roster/model.ts";

export interface Tenancy {
  readonly namespace: Namespace;
  readonly owner: K8sUser;
  readonly osUser: OsUser;
  readonly quota: Quota;
  /** Who may work there; absent for somebody who left, or whose e-mail is not known. */
  readonly admit?: Email;
  readonly hasLeft: boolean;
}

export function tenanciesOf(desired: Desired): readonly Tenancy[] {
  const all = [...desired.people.values(), ...desired.left.values()].flatMap((person) => {
    const hasLeft = !desired.people.has(person.osUser);
    const { k8sUser: owner, osUser, quota, email } = person;
    const admit = hasLeft || email === undefined ? {} : { admit: email };
    return person.namespaces.map((namespace): Tenancy => ({ namespace, owner, osUser, quota, hasLeft, ...admit }));
  });
  return all.sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
}
