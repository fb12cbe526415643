/** Lists what each changed field of a row takes and gives, surface by surface: the e2e test tries every line, and docs/row-changes.md prints it. */

/** One field on one surface. */
export interface Cell {
  readonly field: string;
  readonly surface: string;
  /** How the access that a value gives is tried. */
  readonly tried: string;
  /** What stays of the new value after the change back, and why; absent where nothing does. */
  readonly stays?: string;
  /** The new value gives all that the former one gave. */
  readonly includes?: true;
  /** Where the field's value passes between two people in one deployment; a refusal's sentence else. */
  readonly swap: string;
  /** The surface is the host itself: what waits for one that is down. */
  readonly waits?: string;
}

const EXCHANGED = "each has the other's, and not their own former one";
const NOTHING_TO_SWAP = "–";
const HOST = "with the next deployment that reaches the host";
/** Parts of sentences by which a deployment stops before its first write. */
export const REFUSALS = {
  namespaces: "the namespace ida-a exists already and belongs to ida",
  k8sUser: `"ida" was ida's, whose secrets in Vault are kept below that name`,
  osUser: '"gil" is still on the roster',
} as const;
const refused = (sentence: string) => `refused before the first write: *…${sentence}…*`;

export const CELLS = [
  {
    field: "authentik_user",
    surface: "code-server proxy",
    swap: EXCHANGED,
    waits: HOST,
    tried: "a request with the login reaches the person's code server",
  },
  {
    field: "authentik_user",
    surface: "terminal map",
    swap: EXCHANGED,
    waits: HOST,
    tried: "the login's line in `/etc/ttyd-user-map`",
  },
  { field: "email", surface: "API server", swap: EXCHANGED, tried: "may this user create pods in the namespace" },
  { field: "email", surface: "Vault", swap: EXCHANGED, tried: "a sign-in with the address reads the person's secrets" },
  { field: "email", surface: "portal map", swap: EXCHANGED, tried: "the address in the ConfigMap" },
  {
    field: "k8s_user",
    surface: "Vault",
    swap: refused(REFUSALS.k8sUser),
    tried: "a sign-in reads below the name; with `previously.k8s_user`",
  },
  {
    field: "k8s_user",
    surface: "API server",
    swap: refused(REFUSALS.k8sUser),
    tried: "may the dashboard's account of the name create pods; with `previously.k8s_user`",
  },
  {
    field: "namespaces",
    surface: "API server",
    swap: refused(REFUSALS.namespaces),
    tried: "may the owner create pods in the namespace",
  },
  {
    field: "namespaces",
    surface: "Vault",
    swap: refused(REFUSALS.namespaces),
    tried: "the namespace's pipeline signs in; a token from before is tried",
  },
  {
    field: "tier",
    surface: "API server",
    swap: EXCHANGED,
    includes: true,
    tried: "may the person do everything, or list pods",
  },
  {
    field: "tier",
    surface: "host",
    swap: EXCHANGED,
    includes: true,
    waits: HOST,
    tried: "the groups of the account",
  },
  {
    field: "tier",
    surface: "Vault",
    swap: EXCHANGED,
    tried: "a sign-in reads a namespace-owner's secrets, or does not; a token from before is tried",
  },
  {
    field: "tier",
    surface: "forge",
    swap: EXCHANGED,
    includes: true,
    tried: "a push to another branch, or to the protected one, with the account's password",
  },
  {
    field: "forgejo.push",
    surface: "forge",
    swap: EXCHANGED,
    includes: true,
    tried: "a push to another branch, or to the protected one, with the account's password",
  },
  { field: "forgejo.login", surface: "forge", swap: EXCHANGED, tried: "a push with the account's password" },
  {
    field: "forgejo.login",
    surface: "clone token",
    swap: EXCHANGED,
    waits: HOST,
    tried: "a push with what is in the home; the token from before is tried",
  },
  {
    field: "host",
    surface: "SSH",
    swap: EXCHANGED,
    tried: "a login on either host",
    waits: "on the new host at once; the former one follows with the next deployment that reaches it",
  },
  {
    field: "code_layout",
    surface: "host",
    swap: NOTHING_TO_SWAP,
    waits: HOST,
    tried: "where the clone of infra is",
    stays: "the clone stays at `~/code/infra`",
  },
  {
    field: "repos",
    surface: "host",
    swap: NOTHING_TO_SWAP,
    includes: true,
    tried: "the clone, on a host that is up",
    stays: "the clone stays, and is no longer looked after",
  },
  {
    field: "limits",
    surface: "host",
    swap: EXCHANGED,
    waits: HOST,
    tried: "the limit in effect of the person's slice",
  },
  {
    field: "until",
    surface: "API server",
    swap: NOTHING_TO_SWAP,
    tried: "may the person list pods after the last day",
  },
  {
    field: "until",
    surface: "Vault",
    swap: NOTHING_TO_SWAP,
    tried: "a sign-in reads the person's secrets after the last day; a token from before is tried",
  },
  {
    field: "until",
    surface: "forge",
    swap: NOTHING_TO_SWAP,
    tried: "an admin's push to the protected branch after the last day",
  },
  { field: "until", surface: "host", swap: NOTHING_TO_SWAP, waits: HOST, tried: "a login by SSH after the last day" },
  {
    field: "previously.os_user",
    surface: "host",
    swap: refused(REFUSALS.osUser),
    waits: HOST,
    tried: "which name the uid has",
  },
] as const satisfies readonly Cell[];

type NameOf<One> = One extends Cell ? `${One["field"]} × ${One["surface"]}` : never;
export type CellName = NameOf<(typeof CELLS)[number]>;

export const nameOf = ({ field, surface }: Cell): CellName => `${field} × ${surface}` as CellName;

/** The page in docs/, in markdown. */
export function rowChangesText(): string {
  const rows = CELLS.map((cell: Cell) => {
    const changed = cell.includes ? "there, with all of the former" : "there; the former opens nothing";
    const back = cell.stays ?? "the former is there; the value in between opens nothing";
    const down = cell.waits ?? "at once";
    return `| \`${cell.field}\` | ${cell.surface} | ${cell.tried} | ${changed} | ${back} | ${cell.swap} | ${down} |`;
  });
  return `${INTRODUCTION}\n${HEAD}\n${rows.join("\n")}\n`;
}

const HEAD = [
  "| field | surface | tried by | the new value | changed back | swapped between two people | changed while a host is down |",
  "|---|---|---|---|---|---|---|",
].join("\n");

const INTRODUCTION = `# What a changed field of a row takes and gives

Generated from \`test/e2e/people/row-changes.ts\`: change that, not this page, which is the snapshot of
\`test/house/row-changes.test.ts\`. \`test/e2e/person-matrix.test.ts\` tries every line: with
the former value, with the new one, and with a second deployment, which changes nothing.

What is open by a former value ends, too: at the code-server proxy and in the portal's terminals a second after the host has its new tables, at the
token injector when its pods are replaced. What the API server itself has open ends when Kubernetes says so ([security.md](security.md#limits-said-plainly)).

A host that is down keeps what is on it. Every other surface changes in the same run, and the next deployment that
reaches the host announces the change again.
`;
