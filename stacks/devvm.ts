/** Declares the hosts: each with its agent, its maps and its users, offboarded users included. */

import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { AccountPart, BasePart, ClonesPart, MapsPart, UnitsPart } from "../agent/contract.ts";
import { type DeliveredDigests, digestOf } from "../agent/lib/delivered-digests.ts";
import { DevVm } from "../components/devvm/dev-vm.ts";
import {
  accountPart,
  basePart,
  clonesPart,
  credentialsPart,
  ingressSecretPart,
  mapsPart,
  type Resident,
  type SiteOfHosts,
  unitsPart,
} from "../components/devvm/build-parts.ts";
import { Workstation } from "../components/devvm/workstation.ts";
import type { Desired, HostFiles, HostName, OsUser } from "../roster/model.ts";
import { inTurns } from "./declare-concurrently.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";

/** Each person's login on the forge and the token that goes with it; secret. */
export type Credentials = ReadonlyMap<OsUser, { readonly login: string; readonly token: pulumi.Output<string> }>;

/** The agent's bundle on this machine. */
export interface AgentBundle {
  readonly path: string;
  readonly sha256: string;
}

/** What goes to every host alike. */
interface Delivery {
  readonly settings: StackSettings;
  readonly desired: Desired;
  readonly site: SiteOfHosts;
  readonly agent: AgentBundle;
  /** What opens the forge to a person's clones, for whoever has a login there. */
  readonly credentials: Credentials;
  /** What opens a person's own path in Vault to their credential sync, for whoever has one; secret. */
  readonly vaultTokens: ReadonlyMap<OsUser, pulumi.Output<string>>;
  /** What takes rights away on the other surfaces: before any host, since a host may turn out to be down. */
  readonly cuts: readonly pulumi.Resource[];
  /** Hosts that did not answer just now, by name. */
  readonly down: ReadonlySet<string>;
  /** Called with a host's name when everything of it is declared. */
  readonly declared: (host: string) => void;
}

/**
 * Declares every host and everybody on it; a host that is late keeps no other one waiting. One that is down comes after
 * all the others, since the engine issues nothing more once a step has failed.
 */
export async function deployHosts(delivery: Delivery): Promise<void> {
  const { settings, cuts, down } = delivery;
  const isDown = ({ name }: Host) => down.has(name);
  const up = settings.hosts.filter((host) => !isDown(host)).map((host) => deployHost(host, delivery, cuts));
  const done = await Promise.all(up);
  await Promise.all(settings.hosts.filter(isDown).map((host) => deployHost(host, delivery, [...cuts, ...done])));
}

type Host = StackSettings["hosts"][number];

/** @returns the host's last word */
async function deployHost(host: Host, delivery: Delivery, after: readonly pulumi.Resource[]): Promise<pulumi.Resource> {
  const { settings, desired, site, agent } = delivery;
  const files = desired.hosts.get(host.name as HostName) ?? NO_FILES;
  const residents = residentsOf(host.name as HostName, desired);
  const base = basePart(host.name, site);
  const maps = mapsPart(host.name, files, residents, site);
  const devvm = new DevVm(host.name, {
    host,
    privateKey: pulumi.secret(settings.sshPrivateKey),
    agent,
    base,
    ingressSecret: ingressSecretPart(host.name, site),
    maps,
    after,
  });
  const parts = residents.map((resident) => ({
    account: accountPart(resident, site, desired.ledger.people.get(resident.person.osUser)),
    clones: clonesPart(resident, site),
    units: unitsPart(resident, site),
  }));
  const secrets = residents.map((resident) => credentialsOf(resident, site, delivery));
  const people: pulumi.Resource[] = [];
  await inTurns(parts.entries(), ([i, part]) => {
    const name = `${part.account.osUser}@${host.name}`;
    const { settled } = new Workstation(name, { host: devvm, ...part, ...secrets[i] });
    people.push(settled);
    return settled;
  });
  const delivered = secrets.flatMap((one) => (one.credentials === undefined ? [] : [one.credentials.apply(digest)]));
  const last = devvm.settle(people, digestsOf([base, maps, ...parts.flatMap(Object.values<PersonPart>)]), delivered);
  delivery.declared(host.name);
  return last;
}

/** @returns the part in JSON, secret, where the person is at work on this host and has a login or a credential sync */
const credentialsOf = (
  resident: Resident,
  site: SiteOfHosts,
  { settings, credentials, vaultTokens }: Delivery,
): { readonly credentials?: pulumi.Output<string> } => {
  if (resident.state === "left") return {};
  const [forge, own] = [credentials.get(resident.person.osUser), vaultTokens.get(resident.person.osUser)];
  if (forge === undefined && own === undefined) return {};
  const address = settings.vault?.address;
  const inJson = ([token, vaultToken]: readonly (string | undefined)[]) =>
    JSON.stringify(
      credentialsPart(resident, site, {
        ...(forge === undefined || token === undefined ? {} : { forge: { login: forge.login, token } }),
        ...(address === undefined || vaultToken === undefined ? {} : { vault: { address, token: vaultToken } }),
      }),
    );
  return { credentials: pulumi.all([forge?.token, own]).apply(inJson) };
};

/** Everybody with an account on the host, present or cut off there, in the order of their names. */
export function residentsOf(host: HostName, desired: Desired): readonly Resident[] {
  const present = [...desired.people.values()].map((person): Resident | undefined => {
    if (person.host === host) return { state: "present", person };
    return person.formerHosts.includes(host) ? { state: "left", person } : undefined;
  });
  const left = [...desired.left.values(), ...desired.removedButHeld.values()]
    .filter(({ hosts }) => hosts.includes(host))
    .map((person): Resident => ({ state: "left", person }));
  return [...present, ...left]
    .filter((resident) => resident !== undefined)
    .sort((a, b) => (a.person.osUser < b.person.osUser ? -1 : 1));
}

const NO_FILES: HostFiles = { files: new Map() };

type PersonPart = AccountPart | ClonesPart | UnitsPart;

/** By the names under which a host compares them. */
const digestsOf = (parts: readonly (BasePart | MapsPart | PersonPart)[]): DeliveredDigests =>
  Object.fromEntries(
    parts.map((part) => ["osUser" in part ? `${part.kind}.${part.osUser}` : part.kind, digestOf(part)]),
  );

const digest = (text: string) => createHash("sha256").update(JSON.stringify(text)).digest("hex").slice(0, 16);
