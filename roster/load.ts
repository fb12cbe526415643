/** Loads a roster from text, or lists everything that is wrong with it. It is total: any bytes give one of the two. */

import type { Day, Email, ForgejoLogin, HostName, K8sUser, AuthentikUser, Namespace, OsUser } from "./model.ts";
import type { Policy, Position, Previously, Problem, Roster, Row } from "./model.ts";
import { checkRow, isMap, rawRow, withoutRefused } from "./rules/one-row.ts";
import { checkTogether } from "./rules/across-rows.ts";
import { type Finding, inRow } from "./rules/finding.ts";
import { parseRoster } from "./rules/indentation.ts";
import { misplacedAmongPeople, misplacedAtTop } from "./rules/misplaced-fields.ts";
import { osUserProblem, unquotedNameProblem, type WrittenRow } from "./schema/row.ts";
import {
  brokenRows,
  consequences,
  type RowExtents,
  rowExtents,
  unnamedRows,
  withoutEchoes,
} from "./attribute-text-problems.ts";
import { decode } from "./text/decode.ts";
import { quote } from "./text/quote.ts";
import { didYouMean } from "./text/suggest.ts";
import { describeTree, offsetOf, type Path, pathText } from "./text/tree-values.ts";
import type { Parsed, Tree, TreeMap } from "./text/yaml-tree.ts";

export type Loaded =
  | { readonly ok: true; readonly roster: Roster; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** More of them help nobody: the first ones are fixed first. */
const MAX_PROBLEMS = 1000;

/** Reads and checks a roster against its own rules and the stack's. `file` is how messages call it. */
export function loadRoster(source: Uint8Array | string, file: string, policy: Policy): Loaded {
  const decoded = decode(source);
  if (!decoded.ok) {
    return { ok: false, problems: [{ severity: "error", file, ...decoded.at, path: "", message: decoded.message }] };
  }
  const parsed = parseRoster(decoded.text);
  const extents = rowExtents(usersOf(parsed.tree), parsed.text);
  const { rows, findings, misplaced } = checkDocument(parsed, extents, policy);
  const locate = locator(parsed);
  const isConsequence = consequences(parsed.problems, extents);
  const unnamed = unnamedRows(parsed, extents);
  const inText = parsed.problems
    .filter(({ at, hides }) => hides === "rest" || !isConsequence(at))
    .filter(({ path, hides }) => hides !== "nothing" || path.length !== 2 || !misplaced.has(String(path[1])))
    .map(({ at, path, message, hides, position = parsed.positionOf(at) }) => {
      const row = extents.rowAround(at);
      const user = path.length === 0 ? { user: row === undefined || unnamed.has(row) ? null : row } : {};
      return { hides, ...located(file, position, { path, message, severity: "error", ...user }) };
    });
  const inRows = findings
    .filter(
      ({ path, at }) =>
        path.length !== 1 || parsed.tree === undefined || !isConsequence(offsetOf(parsed.tree, path, at)),
    )
    .map((finding) => located(file, locate(finding.path, finding.at), finding));
  const problems = withoutEchoes(inText, inRows).sort((a, b) => a.line - b.line || a.column - b.column);
  if (problems.some((problem) => problem.severity === "error"))
    return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
  return { ok: true, roster: { file, rows, locate }, warnings: problems };
}

/** A problem of one person's row, placed by the roster it was found in. */
export const problemInRoster = (roster: Roster, finding: Finding): Problem =>
  located(roster.file, roster.locate(finding.path, finding.at), finding);

function located(
  file: string,
  position: Position,
  { path, message, severity, user = ofPath(path) }: Omit<Finding, "at">,
): Problem {
  return { severity, file, ...position, ...(user === null ? {} : { user }), path: pathText(path), message };
}

/** The person whose row a path leads into. */
function ofPath([top, user]: Path): string | null {
  return top === "users" && typeof user === "string" ? user : null;
}

const locator =
  ({ tree, positionOf }: Parsed) =>
  (path: Path, at: "key" | "value" = "value"): Position =>
    positionOf(tree === undefined ? 0 : offsetOf(tree, path, at));

interface Checked {
  readonly rows: ReadonlyMap<OsUser, Row>;
  readonly findings: readonly Finding[];
  /** Keys among the people that are fields of a row: that they stand there several times is no further problem. */
  readonly misplaced: ReadonlySet<string>;
}

const NO_ROWS = { rows: new Map(), misplaced: new Set<string>() } as const;

/** The map of people, where the text holds one. */
function usersOf(tree: Tree | undefined): TreeMap | undefined {
  const users = tree?.kind === "map" ? tree.entries.get("users")?.value : undefined;
  return users?.kind === "map" ? users : undefined;
}

function checkDocument(parsed: Parsed, extents: RowExtents, policy: Policy): Checked {
  const { tree } = parsed;
  const empty = tree === undefined || (tree.kind === "scalar" && tree.value === null);
  if (empty) return { ...NO_ROWS, findings: [] };
  const atTop = (path: Path, message: string, at: Finding["at"] = "value"): Finding => ({
    path,
    at,
    message,
    severity: "error",
  });
  if (tree.kind !== "map") {
    const message = `expected a map with the key "users" but found ${describeTree(tree)}; write users: and the people below it`;
    return { ...NO_ROWS, findings: [atTop([], message)] };
  }
  const findings = [...tree.entries]
    .filter(([key]) => key !== "users")
    .map(([key, { value }]) => {
      const unknown = `${quote(key)} is not a key of a roster${didYouMean(key, ["users"]) || '; "users" is the only one'}`;
      return atTop([key], misplacedAtTop(key, value) ?? unknown, "key");
    });
  const users = tree.entries.get("users")?.value;
  if (users === undefined || (users.kind === "scalar" && users.value === null)) return { ...NO_ROWS, findings };
  if (users.kind !== "map") {
    const message = `users: expected one key for each person but found ${describeTree(users)}; write each name with a colon, and the person's fields below it`;
    return { ...NO_ROWS, findings: [...findings, atTop(["users"], message)] };
  }
  const checked = checkRows(users, brokenRows(parsed, extents), policy);
  return { ...checked, findings: [...findings, ...checked.findings] };
}

function checkRows(users: TreeMap, broken: ReadonlySet<string>, policy: Policy): Checked {
  const rows = new Map<OsUser, Row>();
  const raw = new Map<string, unknown>();
  const misplaced = misplacedAmongPeople(users);
  const findings: Finding[] = [...misplaced.findings];
  for (const [user, { value, keyIs }] of users.entries) {
    if (findings.length >= MAX_PROBLEMS) break;
    if (broken.has(user) || misplaced.fields.has(user)) continue;
    const lacked = misplaced.lackedBy.get(user) ?? [];
    const wrongName = keyIs === undefined ? osUserProblem(user) : unquotedNameProblem(user, keyIs);
    if (wrongName !== undefined) findings.push(inRow(user, [], wrongName, "key"));
    const plain = rawRow(value);
    raw.set(user, plain);
    if (plain === null && lacked.length > 0) continue;
    if (!isMap(plain)) {
      const found = plain === null ? "the row is empty" : `expected the row's fields but found ${describeTree(value)}`;
      findings.push(inRow(user, [], `${found}; write authentik_user:, k8s_user: and tier: below the name`, "key"));
      continue;
    }
    const checked = checkRow(user, value, plain, policy);
    findings.push(...checked.findings.filter(({ path }) => !lacked.includes(String(path[2]))));
    if (checked.written !== undefined) rows.set(user as OsUser, rowOf(user as OsUser, checked.written));
  }
  return {
    rows,
    misplaced: misplaced.fields,
    findings: [...findings, ...withoutRefused(checkTogether(raw), findings)],
  };
}

/** The one place where checked strings get the names' types. */
function rowOf(osUser: OsUser, row: WrittenRow): Row {
  return {
    osUser,
    authentikUser: row.authentik_user as AuthentikUser,
    k8sUser: row.k8s_user as K8sUser,
    tier: row.tier,
    namespaces: (row.namespaces ?? []) as Namespace[],
    ...(row.email === undefined ? {} : { email: row.email as Email }),
    layout: row.code_layout ?? "single",
    repos: row.repos ?? [],
    ...(row.forgejo === undefined
      ? {}
      : { forgejo: { login: row.forgejo.login as ForgejoLogin, push: row.forgejo.push ?? false } }),
    parked: row.parked ?? false,
    claudeAuth: row.claude_auth ?? true,
    limits: definedFields(row.limits),
    quota: definedFields(row.quota),
    ...(row.until === undefined ? {} : { until: row.until as Day }),
    previously: previouslyOf(row),
    ...(row.host === undefined ? {} : { host: row.host as HostName }),
  };
}

function previouslyOf({ previously }: WrittenRow): Previously {
  return definedFields({
    osUser: previously?.os_user as OsUser | undefined,
    authentikUser: previously?.authentik_user as AuthentikUser | undefined,
    k8sUser: previously?.k8s_user as K8sUser | undefined,
    email: previously?.email as Email | undefined,
    forgejoLogin: previously?.forgejo_login as ForgejoLogin | undefined,
  });
}

/** The keys that have a value: a key that is there and `undefined` would overwrite a default when maps are laid together. */
function definedFields<Fields extends object>(
  fields: Fields | undefined,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([, value]) => value !== undefined)) as never;
}
