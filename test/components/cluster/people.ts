/** People of the tests, as the roster would derive them. */

import type {
  AuthentikUser,
  Day,
  Desired,
  Email,
  HostName,
  K8sUser,
  OffboardedPerson,
  Namespace,
  OsUser,
  Person,
  Tier,
} from "../../../roster/model.ts";
import { DEFAULT_POLICY, DEFAULT_QUOTA } from "../../../roster/policy-defaults.ts";
import { TIERS } from "../../../roster/tiers.ts";

export function person(
  name: string,
  tier: Tier,
  namespaces: readonly string[] = [],
  more: Partial<Person> = {},
): Person {
  return {
    osUser: name as OsUser,
    uid: 20_000,
    ports: { t3: 3773, browser: 8931 },
    tier,
    authentikUser: `${name}.login` as AuthentikUser,
    k8sUser: `${name}-k8s` as K8sUser,
    email: `${name}@people.test` as Email,
    namespaces: namespaces as readonly Namespace[],
    groups: TIERS[tier].groups,
    shell: "/bin/zsh",
    layout: "single",
    repos: [],
    parked: false,
    claudeAuth: true,
    limits: DEFAULT_POLICY.limits[tier],
    quota: DEFAULT_QUOTA,
    host: "devvm" as HostName,
    formerHosts: [],
    formerNamespaces: [],
    formerNames: [],
    formerK8sUsers: [],
    formerForgejoLogins: [],
    previously: {},
    ...more,
  };
}

export const left = ({
  osUser,
  uid,
  ports,
  tier,
  authentikUser,
  k8sUser,
  email,
  ...rest
}: Person): OffboardedPerson => ({
  ...{ osUser, uid, ports, tier, authentikUser, k8sUser, namespaces: rest.namespaces, quota: rest.quota },
  ...{
    formerNamespaces: rest.formerNamespaces,
    formerNames: [],
    formerK8sUsers: [],
    formerForgejoLogins: [],
    limits: rest.limits,
    repos: [],
    layout: "single",
  },
  ...(email === undefined ? {} : { email }),
  hosts: [],
  leftOn: "2026-11-22" as Day,
});

export const desired = (people: readonly Person[], gone: readonly OffboardedPerson[] = []): Desired => ({
  people: new Map(people.map((one) => [one.osUser, one])),
  left: new Map(gone.map((one) => [one.osUser, one])),
  hosts: new Map(),
  ledger: { version: 1, people: new Map() },
  removedButHeld: new Map(),
  reassignedAddress: new Set(),
  handedOver: new Map(),
});
