/** Checks one row by itself, and reports all of its problems at once. */

import { row, type WrittenRow } from "../schema/row.ts";
import type { Policy, Tier } from "../model.ts";
import { TIER_NAMES, TIERS } from "../tiers.ts";
import { folded } from "../text/code-unit-order.ts";
import { counted, listed, quote, describeValue, withArticle } from "../text/quote.ts";
import { didYouMean, nearest } from "../text/suggest.ts";
import { describeTree, pathText, plainValue, treeAt } from "../text/tree-values.ts";
import type { Tree } from "../text/yaml-tree.ts";
import { fieldsWithoutEffect } from "./fields-without-effect.ts";
import { type Finding, inRow } from "./finding.ts";
import { belongsToSection, numberGiven, sectionOf } from "./misplaced-fields.ts";
import { meantBy, nearMiss, type Refusal } from "../schema/near-misses.ts";
import * as names from "../schema/patterns.ts";
import type { Grammar } from "../schema/patterns.ts";
import { isReservedK8sUser, isSystemNamespace } from "../schema/reserved-names.ts";
import { sizeFindings } from "./contradicting-sizes.ts";

export interface CheckedRow {
  /** Absent when its shape is wrong. */
  readonly written?: WrittenRow;
  readonly findings: readonly Finding[];
}

/** The row as plain data of any shape, as the rules judge it. */
export const rawRow = (tree: Tree): unknown => plainValue(tree, FIGURES);

/** Checks a row as it was read: `user` is its key, `raw` what `rawRow` makes of its tree. */
export function checkRow(user: string, tree: Tree, raw: unknown, policy: Policy): CheckedRow {
  const checked = row.safeParse(raw);
  const fields = isMap(raw) ? raw : {};
  // A name that is meant and is not free comes before its form: the corrected one would be refused as well.
  const taken = [
    ...namespaceFindings(user, fields, policy),
    ...repoFindings(user, fields),
    ...stackFindings(user, fields, policy),
  ];
  const shape = checked.success ? [] : shapeFindings(user, raw, issuesWithSource(tree, checked.error.issues));
  const findings = [...taken, ...withoutRefused(shape, taken)];
  const byRules = [
    ...previouslyFindings(user, fields),
    ...sizeFindings(user, checked.success ? checked.data : undefined, policy),
    ...fieldsWithoutEffect(user, checked.success ? checked.data : undefined),
  ];
  findings.push(...withoutRefused(byRules, findings));
  return checked.success ? { written: checked.data, findings } : { findings };
}

/** The findings of further rules about values that nothing else is wrong with: one cause has one sentence. */
export function withoutRefused(findings: readonly Finding[], earlier: readonly Finding[]): readonly Finding[] {
  if (findings.length === 0 || earlier.length === 0) return findings;
  const refused = new Set(earlier.map(({ path }) => pathText(path)));
  return findings.filter(({ path }) => !refused.has(pathText(path)));
}

/** Fields that are numbers: they are judged by what is written, so that quotes around them change nothing. */
const FIGURES: ReadonlySet<string> = new Set(["limits.tasks", "quota.cpu_requests", "quota.pods"]);

/**
 * The same issues with a number or a switch quoted as the file has it; a rule about its size knows its text already.
 * Where a map belongs, only the sentence changes: zod takes an `UnquotedScalar` for a map.
 */
function issuesWithSource(tree: Tree, issues: readonly Issue[]): readonly Issue[] {
  const rejected = issues.filter((issue) => issue.code !== "custom" && !lacksMap(issue));
  const paths = rejected.map((issue) => pathText(plainPath(issue)));
  const again = row.safeParse(plainValue(tree, new Set([...FIGURES, ...paths]))).error?.issues ?? issues;
  return again.map((issue) => (lacksMap(issue) ? { ...issue, message: withSource(tree, issue) } : issue));
}

const lacksMap = (issue: Issue): boolean => issue.code === "invalid_type" && issue.expected === "object";

function withSource(tree: Tree, issue: Issue): string {
  const found = treeAt(tree, plainPath(issue));
  return found === undefined
    ? issue.message
    : issue.message.replace(describeValue(plainValue(found)), () => describeTree(found));
}

type Raw = { readonly [field: string]: unknown };
type Issue = NonNullable<ReturnType<typeof row.safeParse>["error"]>["issues"][number];

export const isMap = (value: unknown): value is Raw =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function shapeFindings(user: string, raw: unknown, issues: readonly Issue[]): Finding[] {
  const meant = new Set<string>();
  const unknown = issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [];
    const path = plainPath(issue);
    const known = Object.keys(knownAt(path));
    const present = path.reduce<unknown>((value, step) => (isMap(value) ? value[step] : undefined), raw);
    const free = known.filter((key) => !isMap(present) || !Object.hasOwn(present, key));
    return issue.keys.map((key): Finding => {
      const section = path.length === 0 ? sectionOf(key) : undefined;
      const given = path.length === 0 ? numberGiven(key) : undefined;
      const near = given === undefined ? (section ?? nearest(key, free)) : undefined;
      if (near !== undefined && (section === undefined || !isMap(present) || present[section] === null))
        meant.add(pathText([...path, near]));
      const where = path.length === 0 ? "a row" : path.join(".");
      const right = near === undefined ? `; ${where} knows ${listed(known)}` : `; did you mean "${near}"?`;
      const message =
        section === undefined
          ? (given ?? `${quote(key)} is not a field of ${where}${right}`)
          : belongsToSection(key, section);
      return { path: ["users", user, ...path, key], at: "key", message, severity: "error" };
    });
  });
  // A misspelt field is one slip: that the right one is missing need not be said as well.
  const others = issues.filter((issue) => issue.code !== "unrecognized_keys" && !meant.has(pathText(plainPath(issue))));
  return [...unknown, ...others.map((issue) => inRow(user, plainPath(issue), issue.message))];
}

const plainPath = (issue: Issue): (string | number)[] => issue.path.filter((step) => typeof step !== "symbol");

/** The shape of the map at a path of a row: the row itself, or one of the maps in it. */
function knownAt(path: readonly (string | number)[]): Record<string, unknown> {
  const field = path[0];
  if (field === "limits" || field === "quota" || field === "forgejo" || field === "previously") {
    return row.shape[field].unwrap().shape;
  }
  return row.shape;
}

function namespaceFindings(user: string, raw: Raw, policy: Policy): Finding[] {
  const { namespaces } = raw;
  const tier = TIER_NAMES.find((name): name is Tier => name === raw.tier);
  const findings: Finding[] = [];
  const isEmpty = namespaces === undefined || (Array.isArray(namespaces) && namespaces.length === 0);
  if (tier !== undefined && TIERS[tier].ownsNamespaces && isEmpty) {
    const what = namespaces === undefined ? "is missing" : "the list is empty";
    findings.push(
      inRow(user, ["namespaces"], `${what}; ${withArticle(tier)} owns at least one, such as namespaces: [my-project]`),
    );
  }
  if (tier !== undefined && !TIERS[tier].ownsNamespaces && Array.isArray(namespaces) && namespaces.length > 0) {
    const owner = TIER_NAMES.filter((name) => TIERS[name].ownsNamespaces).join(" or ");
    findings.push(
      inRow(
        user,
        ["namespaces"],
        `${withArticle(tier)} owns none, and ${counted(namespaces.length, "is", "are")} listed; remove the list, or make the tier ${owner}`,
      ),
    );
  }
  if (!Array.isArray(namespaces)) return findings;
  const earlier = new Set<string | undefined>();
  const refusal: Refusal = (name) => {
    if (isSystemNamespace(name, policy.systemNamespaces)) {
      const right = name.startsWith("kube-")
        ? 'use a DNS label that does not start with "kube-"'
        : "use a namespace of the person's own";
      return `${quote(name)} is a system namespace; ${right}`;
    }
    return earlier.has(name) ? `${quote(name)} occurs in the list twice; remove one` : undefined;
  };
  for (const [index, name] of namespaces.entries()) {
    if (typeof name !== "string") continue;
    findings.push(...refusedNames(user, ["namespaces", index], { name, grammar: names.DNS_LABEL, refusal }));
    earlier.add(meantBy(name, names.DNS_LABEL));
  }
  return findings;
}

interface ChosenName {
  readonly name: string;
  readonly grammar: Grammar;
  /** Says what speaks against a name that fits the grammar. */
  readonly refusal: Refusal;
}

/** The finding about a name that is not free, as it is written or as it was meant. */
function refusedNames(user: string, path: (string | number)[], { name, grammar, refusal }: ChosenName): Finding[] {
  const meant = meantBy(name, grammar);
  const refused = meant === undefined ? undefined : refusal(meant);
  if (refused === undefined) return [];
  const message =
    meant === name ? refused : `${quote(name)} does not fit, because it ${nearMiss(name, grammar, refusal)}`;
  return [inRow(user, path, message)];
}

function repoFindings(user: string, raw: Raw): Finding[] {
  const { repos, code_layout: layout } = raw;
  if (!Array.isArray(repos)) return [];
  const findings: Finding[] = [];
  if (repos.length > 0 && (layout === undefined || layout === "single")) {
    findings.push(
      inRow(
        user,
        ["repos"],
        "repositories are cloned only in a workspace; add code_layout: workspace, or remove the list",
      ),
    );
  }
  const seen = new Map<string, string>();
  const keyOf = (repo: string) => folded(repo.replace(/\.git$/i, ""));
  const refusal: Refusal = (repo) => {
    const earlier = seen.get(keyOf(repo));
    if (earlier === undefined) return undefined;
    if (folded(earlier) !== folded(repo)) return `${quote(repo)} is the same as ${quote(earlier)}; remove one`;
    const same = earlier === repo ? "occurs in the list twice" : `differs from ${quote(earlier)} in case alone`;
    return `${quote(repo)} ${same}; remove one`;
  };
  for (const [index, repo] of repos.entries()) {
    if (typeof repo !== "string") continue;
    findings.push(...refusedNames(user, ["repos", index], { name: repo, grammar: names.REPO, refusal }));
    const meant = meantBy(repo, names.REPO);
    // That one is always there, which is said of each.
    if (meant !== undefined && keyOf(meant) !== "infra" && !seen.has(keyOf(meant))) seen.set(keyOf(meant), meant);
  }
  return findings;
}

function stackFindings(user: string, raw: Raw, policy: Policy): Finding[] {
  const { k8s_user: k8sUser, host } = raw;
  const reserved: Refusal = (name) => {
    const reason = reservation(name, policy);
    return reason === undefined ? undefined : `${quote(name)} is reserved, because ${reason}; choose another`;
  };
  const unknown: Refusal = (name) => {
    if (policy.hosts.some((known) => known === name)) return undefined;
    const right =
      didYouMean(name, policy.hosts) ||
      `; its host${policy.hosts.length === 1 ? " is" : "s are"} ${listed(policy.hosts)}`;
    return `this stack has no host ${quote(name)}${right}`;
  };
  return [
    ...(typeof k8sUser === "string"
      ? refusedNames(user, ["k8s_user"], { name: k8sUser, grammar: names.K8S_USER, refusal: reserved })
      : []),
    ...(typeof host === "string"
      ? refusedNames(user, ["host"], { name: host, grammar: names.HOST, refusal: unknown })
      : []),
  ];
}

/** Fields of `previously`. */
const FORMER: ReadonlySet<string> = new Set(Object.keys(knownAt(["previously"])));

/** A namespace-owner may write whatever lies below their `k8s_user` in Vault. */
function reservation(k8sUser: string, { reservedK8sUsers, userMapPath }: Policy): string | undefined {
  if (isReservedK8sUser(k8sUser, reservedK8sUsers)) return "its paths in Vault belong to the platform";
  if (userMapPath?.split("/")[0] !== k8sUser) return undefined;
  return `the setting vault.userMap.path (${userMapPath}) puts the user map there`;
}

function previouslyFindings(user: string, raw: Raw): Finding[] {
  const { previously, forgejo } = raw;
  if (!isMap(previously)) return [];
  const now: Raw = { ...raw, os_user: user, forgejo_login: isMap(forgejo) ? forgejo.login : undefined };
  return Object.entries(previously)
    .filter(([field, value]) => typeof value === "string" && value === now[field] && FORMER.has(field))
    .map(([field, value]) =>
      inRow(
        user,
        ["previously", field],
        `${describeValue(value)} is what the row says today; previously holds the former value, so remove it`,
      ),
    );
}
