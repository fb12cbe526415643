/**
 * Reads and writes the ledger of everything that was ever given to anybody. A ledger that contradicts itself is a
 * problem and never a guess.
 */

import { z } from "zod";
import type { Ledger, LedgerEntry, OsUser, Problem } from "./model.ts";
import * as names from "./schema/patterns.ts";
import { canonicalJson, type Json } from "./text/canonical-json.ts";
import { type JsonFile, readJsonFile } from "./text/json-file.ts";
import { describeValue } from "./text/quote.ts";
import { plainValue } from "./text/tree-values.ts";
import { TIER_NAMES } from "./tiers.ts";

export type LoadedLedger =
  | { readonly ok: true; readonly ledger: Ledger }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The history of a stack that never ran. */
export const EMPTY_LEDGER: Ledger = { version: 1, people: new Map() };

const word = ({ pattern }: names.Grammar) => z.string().regex(pattern);
const osUser = word(names.OS_USER);
const day = word(names.DAY);
const port = z.int().min(1024).max(65_535);
const namespaces = z.array(word(names.DNS_LABEL));

/** The form of one person's entry. */
export const ledgerEntry = z.strictObject({
  uid: z.int().min(1000).max(59_999),
  ports: z.strictObject({ t3: port, browser: port }),
  tier: z.enum(TIER_NAMES),
  authentikUser: word(names.AUTHENTIK_USER),
  k8sUser: word(names.K8S_USER),
  email: word(names.EMAIL).optional(),
  forgejoLogin: word(names.FORGEJO_LOGIN).optional(),
  formerForgejoLogins: z.array(word(names.FORGEJO_LOGIN)).optional(),
  push: z.boolean(),
  namespaces,
  formerNamespaces: namespaces,
  formerNames: z.array(osUser),
  formerK8sUsers: z.array(word(names.K8S_USER)).optional(),
  formerEmails: z.array(word(names.EMAIL)).optional(),
  layout: z.enum(["single", "workspace"]),
  repos: z.array(word(names.REPO)),
  parked: z.boolean(),
  claudeAuth: z.boolean(),
  limits: z.strictObject({
    memory: word(names.STORED_MEMORY),
    cpu: word(names.CPU),
    tasks: word(names.STORED_TASKS),
    pane_memory: word(names.STORED_MEMORY),
  }),
  until: day.optional(),
  quota: z.strictObject({
    cpu_requests: word(names.STORED_CPU_QUANTITY),
    memory_requests: word(names.STORED_MEMORY_QUANTITY),
    memory_limits: word(names.STORED_MEMORY_QUANTITY),
    pods: word(names.COUNT),
  }),
  hosts: z.array(word(names.HOST)).min(1),
  since: day,
  leftOn: day.optional(),
  removedOn: day.optional(),
});

/**
 * Reads a ledger's text. Unknown keys, another version, a port or uid given twice: a problem each, and no ledger, because
 * what is unclear must not be given out again. A number outside the stack's ranges stays its holder's: the ranges are
 * those of numbers that are given anew.
 */
export function loadLedger(source: Uint8Array | string, file: string): LoadedLedger {
  const read = readJsonFile(source, file, "the ledger", 16);
  if (!read.ok) return read;
  const { top, problem } = read;
  const problems: Problem[] = [];
  for (const key of top.entries.keys()) {
    if (key !== "version" && key !== "people") {
      const hint =
        key === "ledger"
          ? '; this looks like the whole output of "ws derive", of which the value of "ledger" is meant'
          : "";
      problems.push(
        problem([key], `${describeValue(key)} is not a key of a ledger, which has "version" and "people"${hint}`),
      );
    }
  }
  const version = top.entries.get("version")?.value;
  if (version?.kind !== "scalar" || version.value !== 1) {
    const found = version?.kind === "scalar" ? describeValue(version.value) : "nothing";
    problems.push(
      problem(["version"], `${found} is its version and this program writes 1; use the program that wrote it`),
    );
  }
  const people = top.entries.get("people")?.value;
  if (people?.kind !== "map")
    problems.push(problem(["people"], 'the map "people" is missing; restore the ledger from a backup or from a host'));
  if (people?.kind !== "map" || problems.length > 0) return { ok: false, problems };
  const entries = new Map<OsUser, LedgerEntry>();
  for (const [user, { value }] of people.entries) {
    const checked = ledgerEntry.safeParse(plainValue(value));
    if (!osUser.safeParse(user).success)
      problems.push(problem(["people", user], `${describeValue(user)} is not an OS user; ${names.OS_USER.right}`));
    // The grammars above are those of the names' types.
    if (checked.success) entries.set(user as OsUser, checked.data as unknown as LedgerEntry);
    else {
      for (const issue of checked.error.issues) {
        const path = issue.path.filter((step) => typeof step !== "symbol");
        problems.push(problem(["people", user, ...path], `${user}: ${path.join(".")}: ${issue.message}`, user));
      }
    }
  }
  problems.push(...contradictions(entries, problem));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, ledger: { version: 1, people: entries } };
}

type ProblemAt = Extract<JsonFile, { ok: true }>["problem"];

function contradictions(entries: ReadonlyMap<OsUser, LedgerEntry>, problem: ProblemAt): readonly Problem[] {
  const holders = new Map<string, OsUser>();
  const found: Problem[] = [];
  const claim = (user: OsUser, what: string, path: readonly string[]) => {
    const holder = holders.get(what);
    if (holder === undefined) holders.set(what, user);
    else
      found.push(
        problem(
          ["people", user, ...path],
          `${user}: ${what} is given to ${holder} too; find out on the host whose it is and correct the other`,
          user,
        ),
      );
  };
  for (const [user, { uid, ports, removedOn }] of entries) {
    claim(user, `uid ${uid}`, ["uid"]);
    for (const kind of removedOn === undefined ? (["t3", "browser"] as const) : [])
      claim(user, `port ${ports[kind]}`, ["ports", kind]);
  }
  return found;
}

/** The bytes of a ledger: equal ledgers, equal bytes, and `loadLedger` reads them back. */
export const writeLedger = (ledger: Ledger): string => canonicalJson(ledgerJson(ledger));

/** The ledger as plain data, its people still a map, because their names come from outside. */
export const ledgerJson = ({ version, people }: Ledger): Json => ({
  version,
  people: new Map([...people].map(([user, given]) => [user as string, given as unknown as Json])),
});
