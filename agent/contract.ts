/**
 * Defines the parts of the desired state that the program delivers to a host. The agent validates each of them again on
 * arrival, with the same rules, since it acts on them as root.
 */

import { z } from "zod";
import { SIGN_IN_GRANTS } from "./sign-in-grants.ts";

/** Raised when a delivered part changes its meaning; an agent refuses any other number. */
export const CONTRACT = 1;

const osUser = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);
const groupName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);
/** Below the system's own range nothing is ours; above it are the ranges that systemd hands out by itself. */
const uid = z.int().min(1000).max(59_999);
const port = z.int().min(1024).max(65_535);
const absolutePath = z.string().regex(/^(\/[A-Za-z0-9._@-]+)+$/);
const repoName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const oneLine = z.string().regex(/^[^\p{Cc}\u2028\u2029]*$/u);
const argv = z.array(oneLine).min(1);
const systemdSize = z.string().regex(/^(\d+[KMGT]?|\d{1,3}%|infinity)$/);

/** Where a frontend service of this host listens for the ingress. */
const listen = z.union([
  z.strictObject({ address: z.union([z.ipv4(), z.ipv6()]), port }),
  z.strictObject({ socket: absolutePath }),
]);

/** Scheme, host and port. */
const browserOrigin = z.string().regex(/^https?:\/\/[a-z0-9.:[\]-]+$/);

/** A header's name, as the ingress writes it. */
const headerName = z.string().regex(/^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$/);

/** The person a part is about. The home is never delivered: it is `/home/<os_user>` or the part is refused. */
const person = { osUser, uid };
/** Names that the account had before it was renamed, the newest first; absent where it never was. */
const formerNames = z.array(osUser).optional();
/** A calendar day, `YYYY-MM-DD`, in UTC. */
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** Once per host, before any person: packages, templates, drop-ins, managed config. */
export const basePart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("base"),
  host: oneLine,
  /** Debian package names that must be installed. */
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]*$/)),
  /** The organisation's guidance: key `claudeMd` of the managed config, body of every codex mirror. */
  guidance: z.string(),
  /** Further keys of `/etc/claude-code/managed-settings.json`, as JSON text that must parse to an object. */
  managedSettings: z.string(),
  /** The shared configuration tree that `/etc/skel` links to for skills, rules, agents and commands. */
  sharedConfig: absolutePath.optional(),
  /**
   * Command lines of the per-person services; `%i` is the person, `$T3_PORT` and `$BROWSER_PORT` are set. A service
   * whose command is absent is offered to nobody on this host.
   */
  commands: z.strictObject({ t3: argv.optional(), browser: argv.optional(), credentialSync: argv.optional() }),
  /** The code-server proxy; absent where something else forwards to code servers. */
  gate: z
    .strictObject({
      listen,
      /** Where people's browsers find it; absent: at the host that a request names. */
      origin: browserOrigin.optional(),
    })
    .optional(),
  /** The user portal; absent where there is none. */
  lobby: z
    .strictObject({
      listen,
      /** Where people's browsers find it. A request that wants something done must come from there. */
      origin: browserOrigin,
      /** Where people's browsers find their own code server. */
      codeServer: z.url({ protocol: /^https?$/ }).optional(),
    })
    .optional(),
  /**
   * Header by which the ingress proves to both of them that a request came through it; the secret itself is a part of
   * its own. Absent: both listen where no other machine connects.
   */
  ingressSecret: z.strictObject({ header: headerName }).optional(),
  /** Whom people ask, in their words. */
  contact: oneLine.optional(),
  /** Where the homes of people who are removed for good are archived; root's own folder below its state where absent. */
  archives: absolutePath.optional(),
  reconcile: z.strictObject({
    /** A delivered state older than this still heals, and removes nothing. */
    maxStateAgeHours: z.int().min(1),
    /** How many users one hourly run may offboard. */
    removalLimit: z.int().min(0),
  }),
});

/** What the ingress sends as its secret. Secret: only root and the accounts of the two frontend services read it. */
export const ingressSecretPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("ingress-secret"),
  host: oneLine,
  /** The secret of now, and while it is rotated the former one. */
  accepted: z
    .array(z.string().regex(/^[!-~]([ -~]*[!-~])?$/))
    .min(1)
    .max(2),
});

/** Once per host, everything that speaks of all its people together. */
export const mapsPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("maps"),
  host: oneLine,
  /** Generated files, exact bytes. */
  files: z.array(z.strictObject({ path: absolutePath, text: z.string() })),
  /** Whose loopback ports are whose, for the packet filter: people of the roster and those who left alike. */
  ports: z.array(z.strictObject({ ...person, t3: port, browser: port })),
  /** Accounts that may connect to everybody's ports: the forwarding proxy's. */
  proxyUsers: z.array(z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/)),
  /** Who is to be present and who left, so that the host can count removals against what it already holds. */
  present: z.array(osUser),
  left: z.array(osUser),
  admins: z.array(osUser),
  /** Who had another name before: a rename is not a leave and a join. */
  renamed: z.array(z.strictObject({ osUser, formerNames: z.array(osUser).min(1) })).optional(),
  removalLimit: z.int().min(0),
  /** Removals beyond the limit that an admin has confirmed by name. */
  confirmLeave: z.array(osUser),
  addsOnly: z.boolean(),
});

/** The account itself. `left` offboards it: login, groups, sessions and processes are revoked, reversibly. */
export const accountPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("account"),
  ...person,
  formerNames,
  state: z.enum(["present", "left"]),
  /** Last day of access of somebody present: after it the host's own hourly run offboards them, delivery or not. */
  until: day.optional(),
  shell: absolutePath,
  /**
   * Groups to be in: the user is added to them, and removed from one that this program gave when it is no longer
   * listed. One that the host lacks is created where `tierGroups` lists it, too.
   */
  groups: z.array(groupName),
  /** Groups that any tier gives: removed on leaving; one that a present user has from elsewhere is reported. */
  tierGroups: z.array(groupName),
  /** Take over an account that exists and was not made by this program. */
  adopt: z.boolean(),
  /** Close a home that was taken over with the account, where other users may enter or list it. */
  closeHome: z.literal(true).optional(),
  /** What the stack's ledger says of them, kept here for the day on which the stack has lost it. The agent makes nothing of it. */
  given: z.record(z.string(), z.json()).optional(),
});

const remoteUrl = z.string().regex(/^(https?|ssh|git):\/\/[^\s\p{Cc}]+$/u);

/** Everything below the home: done by the person's own worker, never by root. */
export const clonesPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("clones"),
  ...person,
  formerNames,
  state: z.enum(["present", "left"]),
  /** `untouched` is an admin's tree. */
  layout: z.enum(["single", "workspace", "untouched"]),
  infra: z.strictObject({
    /** Anonymous mirror, remote `origin`. */
    origin: remoteUrl,
    /** Where pushes go, remote `forgejo`; `master` tracks it. */
    forgejo: remoteUrl,
    branch: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/),
  }),
  repos: z.array(z.strictObject({ name: repoName, url: remoteUrl })),
  git: z.strictObject({ name: oneLine, email: oneLine.optional() }),
  kubeconfig: z
    .strictObject({
      cluster: oneLine,
      server: z.url(),
      caData: z.base64(),
      issuer: z.url(),
      clientId: oneLine,
      /** How kubelogin signs in. Absent in deliveries of versions that left it to kubelogin. */
      grant: z.enum(SIGN_IN_GRANTS).optional(),
      /** Where the issuer sends a code that the person types. */
      redirectUrl: z.url().optional(),
    })
    .optional(),
  guidance: z.string(),
});

/** The per-person systemd units, their environment file and their envelope. */
export const unitsPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("units"),
  ...person,
  state: z.enum(["present", "parked", "left"]),
  ports: z.strictObject({ t3: port, browser: port }),
  claudeAuth: z.boolean(),
  /** Their code server may gain privileges, by sudo or another set-user-ID program: an admin's. */
  gainsPrivileges: z.literal(true).optional(),
  limits: z.strictObject({
    memory: systemdSize,
    cpu: z.string().regex(/^\d{1,5}%$/),
    tasks: z.string().regex(/^(\d+|infinity)$/),
    paneMemory: systemdSize,
  }),
});

/** A person's access to the forge and to their own path in Vault; secret. It ends up in files of their home and stays nowhere else. */
export const credentialsPart = z.strictObject({
  contract: z.literal(CONTRACT),
  kind: z.literal("credentials"),
  ...person,
  /** The forge's base address: the line is for this scheme, host and port. Absent, as login and token, for somebody without a login. */
  forge: z.url({ protocol: /^https?$/ }).optional(),
  login: oneLine.optional(),
  token: oneLine.optional(),
  /** For their credential sync; absent where they have none. A shell reads both. */
  vault: z
    .strictObject({
      address: z.string().regex(/^https?:\/\/[A-Za-z0-9.:[\]/_-]+$/),
      token: z.string().regex(/^[A-Za-z0-9._-]+$/),
    })
    .optional(),
});

export const part = z.discriminatedUnion("kind", [
  basePart,
  ingressSecretPart,
  mapsPart,
  accountPart,
  clonesPart,
  unitsPart,
  credentialsPart,
]);

export type BasePart = z.output<typeof basePart>;
export type IngressSecretPart = z.output<typeof ingressSecretPart>;
export type MapsPart = z.output<typeof mapsPart>;
export type AccountPart = z.output<typeof accountPart>;
export type ClonesPart = z.output<typeof clonesPart>;
export type UnitsPart = z.output<typeof unitsPart>;
export type CredentialsPart = z.output<typeof credentialsPart>;
export type Part = z.output<typeof part>;
export type PartKind = Part["kind"];
/** What is delivered once per host. */
export type HostPart = Extract<Part, { readonly host: string }>;
