/** Declares the access of everybody on the roster to Vault, and revokes the access of offboarded users. */

import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as vault from "@pulumi/vault";
import { formerResourceNames } from "../components/vault/former-resource-names.ts";
import { PersonAccess } from "../components/vault/person-access.ts";
import { VaultPeople } from "../components/vault/resources.ts";
import type { Desired, Email, Holder, K8sUser, Namespace, OffboardedPerson, OsUser, Person } from "../roster/model.ts";
import { folded } from "../roster/text/code-unit-order.ts";
import { caOf } from "../config/ca-certificate.ts";
import { inTurns } from "./declare-concurrently.ts";
import type { VaultSettings } from "../config/settings/vault.ts";

export interface DeployedVault {
  /** What takes people's access away: done before a host, which may be down, is waited for. */
  readonly cuts: readonly pulumi.Resource[];
  /** The tokens of everybody whose credential sync runs; secret. */
  readonly tokens: ReadonlyMap<OsUser, pulumi.Output<string>>;
}

/**
 * @param token the program's own, with the rights that docs/vault.md lists
 * @param syncs whose credential sync runs
 */
export async function deployVault(
  settings: VaultSettings,
  token: string,
  desired: Desired,
  syncs: (person: Person) => boolean,
): Promise<DeployedVault> {
  const { address, caCertFile } = settings;
  const official = new vault.Provider("vault", {
    address,
    token: pulumi.secret(token),
    // The plugin runs in a folder of its own.
    ...(caCertFile === undefined ? {} : { caCertFile: resolve(caCertFile) }),
    // The program's token may live as long as its own rules say; a child of it needs no more rights than it has.
    skipChildToken: true,
  });
  const people = new VaultPeople("vault-people", { address, token, ...caOf(settings) });
  const providers = [official, people];
  const inUse = new Set([...desired.people.values()].flatMap(({ namespaces }) => namespaces));
  // A namespace that is somebody else's by now has their role.
  const isFree = (namespace: Namespace) => !inUse.has(namespace);
  const addresses = new Set([...desired.people.values()].flatMap(({ email }) => addressOf(email)));
  const isReassigned = ({ email }: OffboardedPerson) => addressOf(email).some((address) => addresses.has(address));
  const handedOver = handoversOf(desired);
  const ofRun = { formerOwners: handedOver.formerOwners, formerResourceNames: formerResourceNames(desired) };
  const cuts: pulumi.Resource[] = [];
  const tokens = new Map<OsUser, pulumi.Output<string>>();
  const revoke = (person: OffboardedPerson): pulumi.Resource => {
    const { namespaces, formerNamespaces, email } = person;
    const { settled, workstationToken } = new PersonAccess(
      nameOf(person.k8sUser),
      {
        ...{ state: "left", syncs: false, site: settings, lostNamespaces: formerNamespaces.filter(isFree) },
        person: { ...person, namespaces: namespaces.filter(isFree) },
        ...(email === undefined || isReassigned(person) ? {} : { address: email }),
        ...{ isReassignedAddress: false, releases: [] },
        ...ofRun,
        handedOver: handedOver.by(person),
      },
      { providers, aliases: formerUrns(person) },
    );
    handedOver.declared(person, settled);
    cuts.push(settled, ...(workstationToken === undefined ? [] : [workstationToken]));
    return settled;
  };
  const gone = [...desired.left.values()];
  // Whoever has the address now gets it after everything that it opened is revoked.
  const released = gone.filter(isReassigned).map((person) => [addressOf(person.email), revoke(person)] as const);
  const present = inTurns(desired.people.values(), (person) => {
    const { k8sUser: former } = person.previously;
    const releases = released.filter(([address]) => addressOf(person.email).join() === address.join());
    const { settled, workstationToken } = new PersonAccess(
      nameOf(person.k8sUser),
      {
        ...{ person, state: "present", syncs: syncs(person), site: settings },
        lostNamespaces: person.formerNamespaces.filter(isFree),
        ...(person.email === undefined ? {} : { address: person.email }),
        isReassignedAddress: desired.reassignedAddress.has(person.osUser),
        releases: releases.map(([, identity]) => identity),
        ...ofRun,
        handedOver: handedOver.by(person),
        ...(former === undefined ? {} : { former }),
      },
      { providers, aliases: formerUrns(person) },
    );
    handedOver.declared(person, settled);
    if (workstationToken !== undefined && syncs(person)) tokens.set(person.osUser, workstationToken.token);
    if (workstationToken !== undefined) cuts.push(workstationToken);
    return settled;
  });
  const left = inTurns(
    gone.filter((person) => !isReassigned(person)),
    revoke,
  );
  await Promise.all([present, left]);
  return { cuts, tokens };
}

/**
 * Links each namespace that passes from one person to another with the identities of its former owners. Two people may swap
 * theirs, so a role waits for an identity that may be declared after it; no identity waits for a role.
 */
function handoversOf({ handedOver }: Desired) {
  const resolvers = new Map<OsUser, (identity: pulumi.Resource) => void>();
  const owners = new Map<Namespace, readonly Promise<pulumi.Resource>[]>();
  for (const [user, namespaces] of handedOver) {
    const identity = new Promise<pulumi.Resource>((resolve) => resolvers.set(user, resolve));
    for (const namespace of namespaces) owners.set(namespace, [...(owners.get(namespace) ?? []), identity]);
  }
  return {
    by: ({ osUser }: Holder) => handedOver.get(osUser) ?? [],
    formerOwners: (namespace: Namespace) => owners.get(namespace) ?? [],
    declared: ({ osUser }: Holder, identity: pulumi.Resource) => resolvers.get(osUser)?.(identity),
  };
}

/** As Vault compares it; none where it is not known. */
const addressOf = (email: Email | undefined): readonly string[] => (email === undefined ? [] : [folded(email)]);

/** Their resources go with them to another `k8s_user`, whether the row calls it a rename or not: no former one is anybody else's. */
const formerUrns = ({ formerK8sUsers }: Holder) => formerK8sUsers.map((name) => ({ name: nameOf(name) }));

/** By the name that Vault knows them by: another account name changes nothing there. */
const nameOf = (k8sUser: K8sUser) => `vault-${k8sUser}`;
