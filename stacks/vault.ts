/** Declares the access of everybody on the roster to Vault, and revokes the access of offboarded users. */

import { resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as vault from "@pulumi/vault";
import { PersonAccess } from "../components/vault/person-access.ts";
import { VaultPeople } from "../components/vault/resources.ts";
import type { Desired, K8sUser, Namespace } from "../roster/model.ts";
import { caOf } from "../config/ca-certificate.ts";
import { inTurns } from "./declare-concurrently.ts";
import type { VaultSettings } from "../config/settings/vault.ts";

/**
 * @param token the program's own, with the rights that docs/vault.md lists
 * @returns what cuts off those who left: done before a host, which may be down, is waited for
 */
export async function deployVault(
  settings: VaultSettings,
  token: string,
  desired: Desired,
): Promise<readonly pulumi.Resource[]> {
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
  const present = inTurns(desired.people.values(), (person) => {
    const { k8sUser: former } = person.previously;
    const { settled } = new PersonAccess(
      nameOf(person.k8sUser),
      {
        ...{ person, state: "present", site: settings, lostNamespaces: person.formerNamespaces.filter(isFree) },
        ...(former === undefined ? {} : { former }),
      },
      { providers, ...(former === undefined ? {} : { aliases: [{ name: nameOf(former) }] }) },
    );
    return settled;
  });
  const cuts: pulumi.Resource[] = [];
  const left = inTurns(desired.left.values(), (person) => {
    const { namespaces, formerNamespaces } = person;
    const { settled } = new PersonAccess(
      nameOf(person.k8sUser),
      {
        ...{ state: "left", site: settings, lostNamespaces: formerNamespaces.filter(isFree) },
        person: { ...person, namespaces: namespaces.filter(isFree) },
      },
      { providers },
    );
    cuts.push(settled);
    return settled;
  });
  await Promise.all([present, left]);
  return cuts;
}

/** By the name that Vault knows them by: another account name changes nothing there. */
const nameOf = (k8sUser: K8sUser) => `vault-${k8sUser}`;
