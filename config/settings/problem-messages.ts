/** Writes the problems of the configuration as messages: where, found, expected, and the remedy. */

import { z } from "zod";
import { listed, quote, describeValue } from "../../roster/text/quote.ts";
import { didYouMean, nearest } from "../../roster/text/suggest.ts";
import { descriptionAt, isSecretAt, keysAt } from "./schema-at-path.ts";

/** What the sentences are about. */
export interface Judged {
  readonly schema: z.core.$ZodType;
  /** The values by their keys, as they were found. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Keys whose value the operator has encrypted, wholly or in part: nothing of it is repeated. */
  readonly encrypted: ReadonlySet<string>;
  /** Where a path stands, as the operator looks for it. */
  readonly at: (path: readonly PropertyKey[]) => string;
}

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** One line a problem, unknown keys first. A misspelt key is one slip: that the right one is missing is not said as well. */
export function sentencesOf(issues: readonly Issue[], judged: Judged): readonly string[] {
  const unknown = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => unknownKey(issue.path, key, judged)) : [],
  );
  const meant = new Set(unknown.flatMap(({ instead }) => (instead === undefined ? [] : [pathText(instead)])));
  const others = issues.filter((issue) => issue.code !== "unrecognized_keys" && !meant.has(pathText(issue.path)));
  return [...unknown.map(({ sentence }) => sentence), ...others.map((issue) => sentenceOf(issue, judged))];
}

/** `hosts[0].name`, which is also how `pulumi config set --path` wants it. */
export const pathText = (path: Path): string =>
  path.map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${String(step)}`)).join("");

/** What would be right, for the checks that have no words of their own. */
export function rightForm(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES.get(isWhole(issue.inst) ? "int" : issue.expected) ?? issue.expected}`;
    case "too_small":
      return atLeast(issue.origin, Number(issue.minimum));
    case "too_big":
      return issue.origin === "string"
        ? `must have at most ${counted(Number(issue.maximum), "character")}`
        : `must be at most ${issue.maximum}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_union":
      return Array.isArray(issue.options)
        ? `must be one of ${issue.options.map(String).join(", ")}`
        : "has none of the forms that are possible here";
    case "invalid_format":
      return FORMATS.get(issue.format) ?? "has the wrong form";
    default:
      return "is not possible here";
  }
}

const isWhole = (schema: unknown): boolean => schema instanceof z.ZodNumber && schema.format === "safeint";

const TYPES: ReadonlyMap<string, string> = new Map([
  ["string", "text"],
  ["number", "a number"],
  ["int", "a whole number"],
  ["boolean", "true or false"],
  ["array", "a list"],
  ["object", "a section with keys of its own"],
  ["record", "a section with keys of its own"],
]);

const FORMATS: ReadonlyMap<string, string> = new Map([
  ["url", "must be an address such as https://host.example"],
  ["base64", "must be base64 text"],
]);

function atLeast(origin: string, minimum: number): string {
  if (origin === "string" && minimum === 1) return "must not be empty";
  if (origin === "string") return `must have at least ${counted(minimum, "character")}`;
  if (origin === "array") return `must have at least ${counted(minimum, "item")}`;
  return `must be at least ${minimum}`;
}

const counted = (count: number, what: string) => `${count === 1 ? "one" : count} ${what}${count === 1 ? "" : "s"}`;

function unknownKey(path: Path, key: string, { schema, settings, at }: Judged) {
  const present = valueAt(settings, path);
  const allowed = keysAt(schema, path);
  const free = allowed.filter((name) => !(isSection(present) && Object.hasOwn(present, name)));
  const near = nearest(key, free);
  const where = path.length === 0 ? "it" : pathText(path);
  const right =
    near === undefined ? `remove it; ${where} knows ${listed([...allowed].sort())}` : `did you mean ${quote(near)}?`;
  const way = path.length === 0 && isPath(schema, key.split(".")) ? withPath(key) : right;
  const shown = /^[\w.-]{1,64}$/.test(key) ? key : quote(key);
  return {
    sentence: `${at([...path, shown])}: is no setting of this program; ${way}`,
    instead: near === undefined ? undefined : [...path, near],
  };
}

/** Whether these are the keys of a setting within another. */
const isPath = (schema: z.core.$ZodType, steps: readonly string[]): boolean =>
  steps.length > 1 && steps.every((step, at) => [...keysAt(schema, steps.slice(0, at))].includes(step));

const withPath = (key: string): string =>
  `remove it, and set the key within ${key.split(".", 1).join()} by \`pulumi config set --path '${key}' …\``;

function sentenceOf(issue: Issue, { schema, settings, encrypted, at }: Judged): string {
  const { path, message } = issue;
  const secret = isSecretAt(schema, path) || encrypted.has(String(path[0]));
  const value = valueAt(settings, path);
  const location = `${at(path)}${nameAround(settings, path, secret)}`;
  if (value === undefined) {
    const means = descriptionAt(schema, path);
    const set = `pulumi config set ${secret ? "--secret " : ""}--path '${pathText(path)}'`;
    return `${location}: is missing; it ${message}${means === undefined ? "" : ` (${means})`}. Set it by \`${set}\``;
  }
  if (message.startsWith('"')) return `${location}: ${message}`;
  const found = secret ? "a value that is secret and so not shown" : foundText(value);
  return `${location}: found ${found}; it ${message}${secret ? "" : wayOut(issue, value)}`;
}

const foundText = (value: unknown): string =>
  Array.isArray(value) && value.length === 0 ? "an empty list" : describeValue(value);

function wayOut(issue: Issue, value: unknown): string {
  if (issue.code === "invalid_value") return didYouMean(value, issue.values.map(String));
  if (issue.code === "invalid_union" && "options" in issue && Array.isArray(issue.options)) {
    return didYouMean(value, issue.options.map(String));
  }
  if (issue.code !== "invalid_type") return "";
  const isFigure = typeof value === "number" || typeof value === "boolean";
  if (issue.expected === "string" && isFigure) return `; put it in quotes: "${String(value)}"`;
  const lacksNothingElse = typeof value === "string" && /^(true|false|-?\d+)$/.test(value);
  return lacksNothingElse && issue.expected !== "string" ? "; take its quotes away" : "";
}

/** ` (devvm)`, where the path leads through a list whose items have names. */
function nameAround(settings: Judged["settings"], path: Path, secret: boolean): string {
  const index = path.findIndex((step) => typeof step === "number");
  if (index < 0 || secret) return "";
  const item = valueAt(settings, path.slice(0, index + 1));
  const name = isSection(item) ? item.name : undefined;
  return typeof name === "string" && /^[\w.-]{1,64}$/.test(name) ? ` (${name})` : "";
}

const isSection = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const valueAt = (top: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, step)
        ? (value as Record<PropertyKey, unknown>)[step]
        : undefined,
    top,
  );
