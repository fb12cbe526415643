/**
 * Renders the findings of an import as sentences: what is taken over, what will differ, what is left alone, and what to
 * do next. Pure.
 */

import { join } from "node:path";
import type { DesiredResource } from "../../stacks/offline/record-resources.ts";
import type { StackSelection } from "../pulumi.ts";
import { pulumiCommand } from "../pulumi-command.ts";
import type { Existing } from "./existing-resources.ts";
import type { Gathered } from "./read-surfaces.ts";
import type { People } from "./derive-rows.ts";
import type { Guessed } from "./observed-people.ts";

export interface Findings {
  /** Who has a row now. */
  readonly people: readonly string[];
  readonly guesses: readonly string[];
  /** To be settled by the operator before anything is deployed. */
  readonly open: readonly string[];
  /** How the first preview will differ from what is there. */
  readonly differences: readonly string[];
  /** Which other program still keeps an object that is taken over, and what is to be done there first. */
  readonly keepers: readonly string[];
  /** Fits no row and no resource; left alone unless the sentence says otherwise. */
  readonly strangers: readonly string[];
  /** How many objects are taken over, and how many are made. */
  readonly adopted: number;
  readonly made: number;
  /** How many the stack has already. */
  readonly held: number;
}

export interface ReportInput {
  readonly people: People;
  readonly existing: Existing;
  readonly declared: readonly DesiredResource[];
  readonly gathered: Gathered;
  /** Numbers that are new, and sentences of the plan: what a deployment would do to people. */
  readonly news: readonly string[];
}

export function findingsOf({ people, existing, declared, gathered, news }: ReportInput): Findings {
  const isObject = ({ type }: { readonly type: string }) => /^(kubernetes|vault|forgejo):/.test(type);
  const real = declared.filter(isObject);
  const held = existing.held.filter(isObject).length;
  return {
    people: people.rows.map(({ osUser, host, uid }) => `${osUser} on ${host}, uid ${uid}`),
    guesses: people.rows.flatMap(guessesOf),
    open: [...people.open, ...existing.clashes],
    differences: [...news, ...existing.differences, ...takenOver(gathered, existing)],
    keepers: existing.keepers,
    strangers: [
      ...people.strangers,
      ...openHomes(gathered, people.rows),
      ...namesakes(gathered, declared, existing, people.rows),
    ],
    adopted: existing.adopt.length,
    made: real.length - existing.adopt.length - existing.clashes.length - held,
    held,
  };
}

/** An adopted home keeps its mode unless the setting says otherwise. */
const openHomes = ({ seen }: Gathered, rows: readonly Guessed[]): readonly string[] =>
  rows.flatMap(({ osUser, host }) => {
    const accounts = seen.hosts.find((one) => one.host === host)?.accounts ?? [];
    const isOpen = accounts.some(({ name, isHomeOpen }) => name === osUser && isHomeOpen);
    return isOpen
      ? [`${host}: /home/${osUser} is open to its group or to others; devvm.closeAdoptedHomes closes it`]
      : [];
  });

const guessesOf = ({ osUser, fields }: Guessed) =>
  fields.flatMap(({ key, why }) => (why === undefined ? [] : [`${osUser}: ${key}: ${why}`]));

/** What the program does to things that bear its names and that it cannot take over as they are. */
function takenOver({ seen }: Gathered, { held }: Existing): readonly string[] {
  const ours = new Set(
    held.flatMap(({ type, inputs }) =>
      type === "forgejo:index:AccessToken" ? [String(inputs.login).toLowerCase()] : [],
    ),
  );
  return seen.members.flatMap(({ login, tokens }) =>
    tokens.length === 0 || ours.has(login.toLowerCase())
      ? []
      : [
          `the forge: ${tokens.join(", ")} of ${login} bear this program's name; the stack's own of that name are revoked`,
        ],
  );
}

/** Objects that are called as ours are, or lie where ours lie, and belong to nobody's row. */
function namesakes(
  { seen, vault }: Gathered,
  declared: readonly DesiredResource[],
  { adopt, held }: Existing,
  rows: readonly Guessed[],
): readonly string[] {
  const adopted = new Set([...adopt.map(({ id }) => id), ...held.map(({ id }) => id)]);
  const names = new Set(declared.flatMap(({ inputs }) => (typeof inputs.name === "string" ? [inputs.name] : [])));
  const owned = new Set(
    rows.flatMap(({ fields }) => fields.flatMap(({ key, value }) => (key === "namespaces" ? (value as string[]) : []))),
  );
  const within = (what: string, all: readonly { readonly namespace: string; readonly name: string }[] = []) =>
    all
      .filter(({ namespace, name }) => owned.has(namespace) && !adopted.has(`${namespace}/${name}`))
      .map(
        ({ namespace, name }) => `the cluster: ${what} ${namespace}/${name} is not the program's and stays in force`,
      );
  const grants = (seen.cluster?.grants ?? []).flatMap(({ namespace, binding: name }) =>
    namespace === undefined ? [] : [{ namespace, name }],
  );
  return [
    ...within("the binding", grants),
    ...within("the quota", seen.cluster?.quotas),
    ...within("the account", seen.cluster?.dashboards),
    ...vault.policies.filter((name) => !names.has(name)).map((name) => `Vault: the policy ${name} fits no row`),
    ...vault.entities.filter((name) => !names.has(name)).map((name) => `Vault: the entity ${name} fits no row`),
  ];
}

/** What the import wrote. */
export interface Written {
  readonly folder: string;
  readonly osUsers: readonly string[];
  /** False for a stack that has a ledger of its own. */
  readonly hasSeed: boolean;
}

/**
 * For people; empty parts are left out. Each command stands on a line of its own and can be run as it stands.
 * @param selection the stack that the import was asked about
 */
export function reportText(found: Findings, written: Written, selection: StackSelection): string {
  const { folder, osUsers, hasSeed } = written;
  const part = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const run = (...words: readonly string[]) => pulumiCommand(selection, ...words);
  return [
    ...["People with a row:", ...found.people.map((line) => `  ${line}`)],
    ...part("Guesses, to be looked at in the roster:", found.guesses),
    ...part("To be decided before the first deployment (the people concerned have no row yet):", found.open),
    ...part("What the first deployment changes of what is there:", found.differences),
    ...part("Still kept by other programs, which would put it back or delete it after an adoption:", found.keepers),
    ...part("Left alone:", found.strangers),
    "",
    `${found.adopted} objects are taken over as they are, ${found.made} are made${found.held === 0 ? "" : `, ${found.held} are the stack's already`}.`,
    ...part(`Then prepare the ${hasSeed ? "first" : "next"} deployment, and read its preview:`, [
      run("config", "set", "roster", join(folder, "roster.yaml")),
      ...(hasSeed ? [run("config", "set", "ledgerSeed", join(folder, "ledger.json"))] : []),
      run("config", "set", "adopt", join(folder, "adopt.json")),
      ...osUsers.map((user, i) => run("config", "set", "--path", `devvm.adoptExisting[${i}]`, user)),
      run("preview"),
    ]),
    ...part("Deploy, and remove what only that deployment needs:", [
      run("up"),
      ...(hasSeed ? [run("config", "rm", "ledgerSeed")] : []),
      run("config", "rm", "adopt"),
    ]),
  ].join("\n");
}
