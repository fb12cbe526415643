/**
 * Finds the rights that an offboarded user delegated to others or to ServiceAccounts, and ServiceAccount tokens that
 * are still valid. Pure.
 */

import { type Finding, needsAction, type OffboardedUser, residual } from "./model.ts";

/** A RoleBinding, or, without a namespace, a ClusterRoleBinding. */
export interface Bound {
  readonly namespace: string;
  readonly name: string;
  readonly role: string;
  readonly subjects: readonly {
    readonly kind: string;
    readonly name: string;
    readonly namespace?: string | undefined;
  }[];
  /** It is emptied, and given back on their return (providers/delegated-rights). */
  readonly isSuspended: boolean;
}

interface DelegatedRights {
  readonly bindings: readonly Bound[];
  readonly tokens: readonly { readonly namespace: string; readonly name: string; readonly account: string }[];
}

/** What gives anybody a right in the kept namespaces, and what gives a right elsewhere to them or to accounts of theirs. */
export function delegatedBy(offboarded: OffboardedUser, { bindings, tokens }: DelegatedRights): readonly Finding[] {
  const rooms = new Set(offboarded.namespaces);
  const atHome = bindings.filter(({ namespace, subjects }) => rooms.has(namespace) && subjects.length > 0);
  const elsewhere = bindings.flatMap((binding) => {
    const theirs = rooms.has(binding.namespace)
      ? []
      : binding.subjects.filter((one) => isTheirs(one, offboarded, rooms));
    return theirs.length === 0 ? [] : [{ ...binding, subjects: theirs }];
  });
  const resting = bindings.filter(({ namespace, isSuspended }) => rooms.has(namespace) && isSuspended);
  const lasting = tokens.filter(
    ({ namespace, account }) => rooms.has(namespace) && account !== `dashboard-${offboarded.k8sUser}`,
  );
  return [
    ...atHome.map((binding) => needsAction("cluster", said(binding), remedy(binding))),
    ...elsewhere.map((binding) => needsAction("cluster", said(binding), remedy(binding))),
    ...(resting.length === 0
      ? []
      : [residual("cluster", `suspended: ${resting.map(nameOf).join(", ")}`, "they return, which restores these")]),
    ...lasting.map(({ namespace, name, account }) => {
      const can = [...atHome, ...elsewhere].some(({ subjects }) =>
        subjects.some((one) => one.kind === "ServiceAccount" && one.name === account),
      );
      const says = `the token of ServiceAccount ${namespace}/${account} is out${can ? ", and the account has rights" : ", without any right"}`;
      return residual("cluster", says, `kubectl delete secret ${name} --namespace ${namespace}`);
    }),
  ];
}

function isTheirs(
  { kind, name, namespace }: Bound["subjects"][number],
  offboarded: OffboardedUser,
  rooms: ReadonlySet<string>,
): boolean {
  if (kind === "User") {
    const account = /^system:serviceaccount:([^:]+):/.exec(name)?.[1];
    return account === undefined ? isTheirAddress(name, offboarded) : rooms.has(account);
  }
  if (kind === "ServiceAccount") return namespace !== undefined && rooms.has(namespace);
  return rooms.has(/^system:serviceaccounts:(.+)$/.exec(name)?.[1] ?? "");
}

/** One that somebody else has today names that person. */
const isTheirAddress = (name: string, { email, emailHolder }: OffboardedUser): boolean =>
  emailHolder === undefined && name.toLowerCase() === email?.toLowerCase();

const nameOf = ({ namespace, name }: Bound) =>
  namespace === "" ? `ClusterRoleBinding ${name}` : `RoleBinding ${namespace}/${name}`;

const said = (binding: Bound): string => {
  const subjects = binding.subjects.map(
    ({ kind, name, namespace }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
  );
  return `${nameOf(binding)} gives ${binding.role} to ${subjects.join(", ")}`;
};

const remedy = ({ namespace, name }: Bound): string =>
  namespace === ""
    ? `check whether it is intended; if not, run kubectl delete clusterrolebinding ${name}`
    : `check whether it is intended; if not, run kubectl delete rolebinding ${name} --namespace ${namespace}, or set cluster.plantedRights to suspend before a leave`;
