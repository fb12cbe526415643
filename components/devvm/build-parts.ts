/**
 * Builds the parts for each host and each person on it: puts the roster's decisions into the form of the agent's
 * contract. Pure.
 */

import {
  type AccountPart,
  type BasePart,
  type ClonesPart,
  CONTRACT,
  type CredentialsPart,
  type IngressSecretPart,
  type MapsPart,
  type UnitsPart,
} from "../../agent/contract.ts";
import type { Holder, HostFiles, LedgerEntry, Limits, Person, Tier } from "../../roster/model.ts";
import { SHELL } from "../../roster/derive/derive-person.ts";
import { TIERS } from "../../roster/tiers.ts";

/** What a site decides about its hosts; `config/settings/devvm.ts` documents each field. */
export interface SiteOfHosts {
  readonly packages: readonly string[];
  readonly guidance: string;
  readonly managedSettings: string;
  readonly sharedConfig?: string | undefined;
  readonly commands: BasePart["commands"];
  readonly gate?: BasePart["gate"];
  readonly lobby?: BasePart["lobby"];
  /** The values are secret. */
  readonly ingressSecret?:
    | { readonly header: string; readonly value: string; readonly previous?: string | undefined }
    | undefined;
  readonly contact?: string | undefined;
  readonly reconcile: BasePart["reconcile"];
  readonly archives?: string | undefined;
  readonly proxyUsers: readonly string[];
  readonly adoptExisting: readonly string[];
  readonly closeAdoptedHomes: boolean;
  readonly repositories: {
    readonly infraMirror: string;
    readonly forgejo: string;
    readonly owner: string;
    readonly infra: string;
    readonly branch: string;
  };
  readonly kubeconfig?: NonNullable<ClonesPart["kubeconfig"]>;
  readonly limits: Readonly<Record<Tier, Limits>>;
  /** Groups that a tier gives and that leaving takes away. */
  readonly tierGroups: readonly string[];
  /** The brakes, which the host applies once more to what it already holds. */
  readonly brakes: Pick<MapsPart, "removalLimit" | "confirmLeave" | "addsOnly">;
}

/** One person as one host sees them: at work there, or cut off there (they left, or moved to another host). */
export type Resident =
  | { readonly state: "present"; readonly person: Person }
  | { readonly state: "left"; readonly person: Holder };

export const basePart = (host: string, site: SiteOfHosts): BasePart => ({
  contract: CONTRACT,
  kind: "base",
  host,
  packages: [...site.packages].sort(),
  guidance: site.guidance,
  managedSettings: site.managedSettings,
  ...(site.sharedConfig === undefined ? {} : { sharedConfig: site.sharedConfig }),
  commands: site.commands,
  ...(site.gate === undefined ? {} : { gate: site.gate }),
  ...(site.lobby === undefined ? {} : { lobby: site.lobby }),
  ...(site.ingressSecret === undefined ? {} : { ingressSecret: { header: site.ingressSecret.header } }),
  ...(site.contact === undefined ? {} : { contact: site.contact }),
  ...(site.archives === undefined ? {} : { archives: site.archives }),
  reconcile: site.reconcile,
});

/** @returns undefined where the site has no such secret; else secret: the caller keeps it so */
export const ingressSecretPart = (host: string, { ingressSecret }: SiteOfHosts): IngressSecretPart | undefined =>
  ingressSecret === undefined
    ? undefined
    : {
        contract: CONTRACT,
        kind: "ingress-secret",
        host,
        accepted: [ingressSecret.value, ...(ingressSecret.previous === undefined ? [] : [ingressSecret.previous])],
      };

export const mapsPart = (
  host: string,
  files: HostFiles,
  residents: readonly Resident[],
  site: SiteOfHosts,
): MapsPart => ({
  contract: CONTRACT,
  kind: "maps",
  host,
  files: [...files.files].map(([path, text]) => ({ path, text })),
  // Those who left keep their guard: nobody else may listen where their identity used to be forwarded to.
  ports: residents
    .map(({ person: { osUser, uid, ports } }) => ({ osUser, uid, t3: ports.t3, browser: ports.browser }))
    .sort((a, b) => a.uid - b.uid),
  proxyUsers: [...site.proxyUsers].sort(),
  present: names(residents, ({ state }) => state === "present"),
  left: names(residents, ({ state }) => state === "left"),
  admins: names(residents, ({ state, person }) => state === "present" && person.tier === "admin"),
  ...renamedAmong(residents),
  ...site.brakes,
});

/** Nobody's last day while removals are suspended, or the host would report a leave that it may not carry out. */
const expiryOf = (resident: Resident, { brakes }: SiteOfHosts): Pick<AccountPart, "until"> =>
  resident.state === "present" && resident.person.until !== undefined && !brakes.addsOnly
    ? { until: resident.person.until }
    : {};

/** @param ledgerEntry what the ledger says of them after this run */
export const accountPart = (resident: Resident, site: SiteOfHosts, ledgerEntry?: LedgerEntry): AccountPart => ({
  contract: CONTRACT,
  kind: "account",
  ...who(resident),
  ...formerNamesOf(resident),
  state: resident.state,
  ...expiryOf(resident, site),
  shell: resident.state === "present" ? resident.person.shell : SHELL,
  groups: resident.state === "present" ? [...resident.person.groups] : [],
  tierGroups: [...site.tierGroups],
  adopt: site.adoptExisting.includes(resident.person.osUser),
  ...(site.closeAdoptedHomes && resident.state === "present" ? { closeHome: true } : {}),
  // Plain data in, the same plain data out: as the host would read it.
  ...(ledgerEntry === undefined
    ? {}
    : { given: JSON.parse(JSON.stringify(ledgerEntry)) as NonNullable<AccountPart["given"]> }),
});

/** Nothing below the home of somebody who left is touched, whatever their layout was. */
export const clonesPart = (resident: Resident, site: SiteOfHosts): ClonesPart => {
  const { forgejo, owner, infra, infraMirror, branch } = site.repositories;
  const repository = (name: string) => `${forgejo.replace(/\/$/, "")}/${owner}/${name}.git`;
  const { osUser, email } = resident.person;
  return {
    contract: CONTRACT,
    kind: "clones",
    ...who(resident),
    ...formerNamesOf(resident),
    state: resident.state,
    layout:
      resident.state === "left" || TIERS[resident.person.tier].clone === "untouched"
        ? "untouched"
        : resident.person.layout,
    infra: { origin: infraMirror, forgejo: repository(infra), branch },
    repos: resident.state === "left" ? [] : resident.person.repos.map((name) => ({ name, url: repository(name) })),
    git: { name: osUser, ...(email === undefined ? {} : { email }) },
    ...(site.kubeconfig === undefined ? {} : { kubeconfig: site.kubeconfig }),
    guidance: site.guidance,
  };
};

export const unitsPart = (resident: Resident, site: SiteOfHosts): UnitsPart => {
  const limits = resident.state === "present" ? resident.person.limits : site.limits[resident.person.tier];
  return {
    contract: CONTRACT,
    kind: "units",
    ...who(resident),
    state: resident.state === "present" && resident.person.parked ? "parked" : resident.state,
    ports: { t3: resident.person.ports.t3, browser: resident.person.ports.browser },
    claudeAuth: resident.state === "present" && resident.person.claudeAuth,
    ...(resident.state === "present" && TIERS[resident.person.tier].administers ? { gainsPrivileges: true } : {}),
    limits: { memory: limits.memory, cpu: limits.cpu, tasks: limits.tasks, paneMemory: limits.pane_memory },
  };
};

/** What opens other servers to somebody at work; the tokens are secret. */
export interface Access {
  readonly forge?: { readonly login: string; readonly token: string };
  readonly vault?: { readonly address: string; readonly token: string };
}

/** Secret: the caller keeps it so. */
export const credentialsPart = (resident: Resident, site: SiteOfHosts, { forge, vault }: Access): CredentialsPart => ({
  contract: CONTRACT,
  kind: "credentials",
  ...who(resident),
  ...(forge === undefined ? {} : { forge: new URL(site.repositories.forgejo).origin, ...forge }),
  ...(vault === undefined ? {} : { vault }),
});

const who = ({ person: { osUser, uid } }: Resident) => ({ osUser, uid });

/** A host that never knew the former name takes no notice of it. */
const formerNamesOf = ({ person: { formerNames } }: Resident) =>
  formerNames.length === 0 ? {} : { formerNames: [...formerNames] };

function renamedAmong(residents: readonly Resident[]): Pick<MapsPart, "renamed"> {
  const renamed = residents
    .filter(({ person }) => person.formerNames.length > 0)
    .map(({ person: { osUser, formerNames } }) => ({ osUser, formerNames: [...formerNames] }))
    .sort((a, b) => (a.osUser < b.osUser ? -1 : 1));
  return renamed.length === 0 ? {} : { renamed };
}

const names = (residents: readonly Resident[], which: (resident: Resident) => boolean) =>
  residents
    .filter(which)
    .map(({ person }) => person.osUser as string)
    .sort();
