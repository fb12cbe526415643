/** Defines the types that the rest of the program shares: what a person gets, decided once, as plain data. */

export type Brand<Name extends string> = string & { readonly [brand]: Name };
declare const brand: unique symbol;

/** Names of one person that differ and are never derived from each other, so each is its own type. */
export type OsUser = Brand<"OsUser">;
export type AuthentikUser = Brand<"AuthentikUser">;
export type K8sUser = Brand<"K8sUser">;
export type ForgejoLogin = Brand<"ForgejoLogin">;
export type Email = Brand<"Email">;
export type Namespace = Brand<"Namespace">;
export type HostName = Brand<"HostName">;

export type Tier = "admin" | "power-user" | "namespace-owner";
export type Layout = "single" | "workspace";
/** A calendar day, `YYYY-MM-DD`, in UTC. */
export type Day = Brand<"Day">;

/** Loopback ports on the host; a person keeps both for good. */
export interface Ports {
  readonly t3: number;
  readonly browser: number;
}

/** systemd values, as the unit files take them (`8G`, `200%`, `512`). */
export interface Limits {
  readonly memory: string;
  readonly cpu: string;
  readonly tasks: string;
  readonly pane_memory: string;
}

/** Kubernetes quantities of one namespace's ResourceQuota. */
export interface Quota {
  readonly cpu_requests: string;
  readonly memory_requests: string;
  readonly memory_limits: string;
  readonly pods: string;
}

/** What is the same for somebody who is in and for somebody who left: the ledger remembers it. */
export interface Holder {
  readonly osUser: OsUser;
  readonly uid: number;
  readonly ports: Ports;
  readonly tier: Tier;
  readonly authentikUser: AuthentikUser;
  readonly k8sUser: K8sUser;
  /** Subject of the cluster bindings; absent while neither the roster nor the user map knows it. */
  readonly email?: Email;
  /** Theirs today; for somebody who left, theirs on the last day. */
  readonly namespaces: readonly Namespace[];
  /** Theirs once and taken off their row since: kept with everything in them, without any right of theirs. */
  readonly formerNamespaces: readonly Namespace[];
  /** Names their account had before `previously` renamed them, the newest first. */
  readonly formerNames: readonly OsUser[];
  /** Every `k8s_user` that was theirs: secrets of theirs are kept below them in Vault, so nobody else is given one. */
  readonly formerK8sUsers: readonly K8sUser[];
}

/** The former value of a renamed identity, as the row states it; it may stay there for good. */
export interface Previously {
  readonly osUser?: OsUser;
  readonly authentikUser?: AuthentikUser;
  readonly k8sUser?: K8sUser;
  readonly email?: Email;
  readonly forgejoLogin?: ForgejoLogin;
}

/** One row of the roster, checked, its plain defaults filled in. What a tier or a stack decides is not in it yet. */
export interface Row {
  readonly osUser: OsUser;
  readonly authentikUser: AuthentikUser;
  readonly k8sUser: K8sUser;
  readonly tier: Tier;
  readonly namespaces: readonly Namespace[];
  readonly email?: Email;
  readonly layout: Layout;
  readonly repos: readonly string[];
  readonly forgejo?: { readonly login: ForgejoLogin; readonly push: boolean };
  readonly parked: boolean;
  readonly claudeAuth: boolean;
  readonly limits: Partial<Limits>;
  readonly quota: Partial<Quota>;
  readonly until?: Day;
  readonly previously: Previously;
  readonly host?: HostName;
}

/** Where something stands in a file. Both count from 1, columns in UTF-16 code units, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A roster without any error. Only `loadRoster` makes one. */
export interface Roster {
  readonly file: string;
  readonly rows: ReadonlyMap<OsUser, Row>;
  /** Where the value of a path stands, or the nearest thing around it that is there. */
  readonly locate: (path: readonly (string | number)[], at?: "key" | "value") => Position;
}

/** What the cluster's user map says of one `k8s_user`. */
export interface UserMapEntry {
  readonly role: string;
  readonly email?: Email;
  readonly quota: Partial<Quota>;
}

/** The cluster's user map, whole: a failed or partial read never becomes one. */
export interface UserMap {
  readonly file: string;
  readonly entries: ReadonlyMap<string, UserMapEntry>;
}

/** One person who is on the roster today. */
export interface Person extends Holder {
  readonly groups: readonly string[];
  readonly shell: string;
  readonly layout: Layout;
  readonly repos: readonly string[];
  readonly parked: boolean;
  readonly claudeAuth: boolean;
  readonly forgejo?: { readonly login: ForgejoLogin; readonly push: boolean };
  /** Logins that this program gave access to while they were on the row: nothing may stay with them. */
  readonly formerForgejoLogins: readonly ForgejoLogin[];
  readonly limits: Limits;
  readonly quota: Quota;
  readonly until?: Day;
  readonly host: HostName;
  /** Hosts that held them before: there they are treated as left. */
  readonly formerHosts: readonly HostName[];
  /** Former values that the row states: what tells a rename from somebody else's arrival. */
  readonly previously: Previously;
}

/** One person who is in the ledger and no longer on the roster, or whose last day has passed. */
export interface OffboardedPerson extends Holder {
  /** Every host that holds, or held, an account of theirs. */
  readonly hosts: readonly HostName[];
  readonly forgejoLogin?: ForgejoLogin;
  readonly formerForgejoLogins: readonly ForgejoLogin[];
  readonly quota: Quota;
  /** The limits of their last day, for the unit files that stay. */
  readonly limits: Limits;
  readonly repos: readonly string[];
  readonly layout: Layout;
  /** The day on which a plan first saw them gone. */
  readonly leftOn: Day;
}

/** The generated files of one host: absolute path to exact bytes. */
export interface HostFiles {
  readonly files: ReadonlyMap<string, string>;
}

/** Everything that one run is to bring about. */
export interface Desired {
  readonly people: ReadonlyMap<OsUser, Person>;
  readonly left: ReadonlyMap<OsUser, OffboardedPerson>;
  /** Removed for good while a host was out of the stack that may still give them access: with those hosts alone. */
  readonly removedButHeld: ReadonlyMap<OsUser, OffboardedPerson>;
  readonly hosts: ReadonlyMap<HostName, HostFiles>;
  readonly ledger: Ledger;
  /** Whose address ever was another person's: what signed in by it until now is not theirs. */
  readonly reassignedAddress: ReadonlySet<OsUser>;
  /**
   * By former owner, on the roster or offboarded: namespaces that are somebody else's today, and that were theirs by the previous
   * ledger or still are on a surface that an earlier run did not reach; the first of their row last.
   */
  readonly handedOver: ReadonlyMap<OsUser, readonly Namespace[]>;
}

/** What was ever given to one person. Nothing in it is reused for another. */
export interface LedgerEntry {
  readonly uid: number;
  readonly ports: Ports;
  readonly tier: Tier;
  readonly authentikUser: AuthentikUser;
  readonly k8sUser: K8sUser;
  readonly email?: Email;
  readonly forgejoLogin?: ForgejoLogin;
  /** Absent for somebody who never had another. */
  readonly formerForgejoLogins?: readonly ForgejoLogin[];
  readonly push: boolean;
  readonly namespaces: readonly Namespace[];
  readonly formerNamespaces: readonly Namespace[];
  readonly formerNames: readonly OsUser[];
  /** Absent for somebody who never had another. */
  readonly formerK8sUsers?: readonly K8sUser[];
  /** Every e-mail that was theirs: a sign-in by it before is theirs, whoever has it now. Absent for somebody who never had another. */
  readonly formerEmails?: readonly Email[];
  readonly layout: Layout;
  readonly repos: readonly string[];
  readonly parked: boolean;
  readonly claudeAuth: boolean;
  readonly limits: Limits;
  readonly until?: Day;
  readonly quota: Quota;
  /** The present host first, then the former ones. */
  readonly hosts: readonly HostName[];
  readonly since: Day;
  readonly leftOn?: Day;
  /** Set by the destructive removal alone: the account is gone, the uid stays taken. */
  readonly removedOn?: Day;
}

export interface Ledger {
  readonly version: 1;
  readonly people: ReadonlyMap<OsUser, LedgerEntry>;
}

/** What the stack decides about people as a whole; every field has a default in `roster/policy-defaults.ts`. */
export interface Policy {
  /** The stack's hosts, the first is the default. Never empty. */
  readonly hosts: readonly HostName[];
  readonly reservedK8sUsers: readonly string[];
  /** Path of the user map in Vault's KV store. Absent where the stack does not read it there. */
  readonly userMapPath?: string;
  readonly systemNamespaces: readonly string[];
  readonly limits: Readonly<Record<Tier, Limits>>;
  readonly quota: Quota;
  readonly ports: { readonly t3: PortRange; readonly browser: PortRange };
  readonly uids: { readonly first: number; readonly last: number };
  /** How many people may lose rights in one run without being confirmed by name. */
  readonly removalLimit: number;
  readonly minimumAdmins: number;
  /** The people whose loss of rights the admin has confirmed, by name. */
  readonly confirmLeave: readonly string[];
  /** People who left and were removed for good by the destructive command: the program forgets what was theirs. */
  readonly removed: readonly string[];
  /** People whose account exists already and is taken over. */
  readonly adoptExisting: readonly string[];
  /** Whether the homes of such accounts are closed to other users; otherwise each keeps its mode. */
  readonly closeAdoptedHomes: boolean;
  /** No removal on any surface while it is true. */
  readonly addsOnly: boolean;
  /** From how many days before their last day the plan gives notice of it. */
  readonly noticeDays: number;
}

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One located problem of an operator's input. Lines and columns count from 1. */
export interface Problem {
  readonly severity: "error" | "warning";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The person it concerns, where it concerns one. */
  readonly user?: string;
  /** Where in the document: `users.anca.namespaces[0]`. */
  readonly path: string;
  /** What was found, what would be right, and how to get past. */
  readonly message: string;
}
