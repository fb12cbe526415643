/** Renders `docs/configuration.md`: every setting of a stack, from the schema that checks it. */

import { stackSettings } from "../../config/settings/stack-settings.ts";
import { SECRET } from "../../config/settings/schema-at-path.ts";
import { code, codes, GENERATED, page, table } from "./markdown.ts";
import { type Setting, settingsOf, typeOf } from "./setting-types.ts";

/** The whole page; the same schema, the same bytes. */
export function configurationPage(): string {
  const top = settingsOf(stackSettings);
  const entries = Object.entries(top.properties ?? {});
  const plain = entries.filter(([, setting]) => sectionIn(setting) === undefined);
  const rest = entries.filter(([, setting]) => sectionIn(setting) !== undefined);
  return page([
    GENERATED,
    "# Configuration",
    INTRODUCTION,
    `Sections: ${rest.map(([key]) => `[${key}](#${key})`).join(", ")}.`,
    "## Settings without a section",
    settingsTable(
      plain.map(([key, setting]) => ({ key, setting, required: isRequired(top, key), byDefault: setting.default })),
    ),
    ...rest.flatMap(([key, setting]) => section(key, setting, isRequired(top, key), 2)),
  ]);
}

const INTRODUCTION = [
  "Every setting belongs in `Pulumi.<stack>.yaml` below `config:`, with `workstation:` before its name:",
  "",
  "```yaml",
  "config:",
  "  workstation:removalLimit: 2",
  "  workstation:hosts:",
  "    - { name: devvm, address: devvm.internal.example, hostKey: ssh-ed25519 AAAA… }",
  "```",
  "",
  "`pulumi config set removalLimit 2` writes the same, and `pulumi config set --path 'hosts[0].port' 2222` reaches into a",
  "section. What is called **secret** is set by `pulumi config set --secret --path …`, which encrypts it, and appears in no",
  "message. A key that does not stand on this page is refused; every problem is said at once, before anything is changed.",
  "`Pulumi.prod.yaml` of this repository is an example of every section. A site whose own settings are in that file has the example as",
  "`Pulumi.example.yaml` ([getting-started.md](getting-started.md), [upgrade.md](upgrade.md)).",
].join("\n");

/** A section is a link to its own table; the anchor is the heading without its dots. */
function formOf({ key, setting }: Row): string {
  if (sectionIn(setting) === undefined) return typeOf(setting);
  const link = `[section](#${key.toLowerCase().replaceAll(/[^a-z0-9-]/g, "")})`;
  return setting.type === "array" ? `list; each: ${link}` : link;
}

interface Row {
  readonly key: string;
  readonly setting: Setting;
  readonly required: boolean;
  /** What holds where it is absent. */
  readonly byDefault: unknown;
}

function settingsTable(rows: readonly Row[]): string {
  return table(
    ["setting", "what may stand there", "default", "what it decides"],
    rows.map((row) => [code(row.key), formOf(row), defaultOf(row), meaningOf(row.setting)]),
  );
}

/** Heading, description, one table, then the sections below it. `level` is the heading's. */
function section(key: string, setting: Setting, required: boolean, level: number, byDefault?: unknown): string[] {
  const inner = sectionIn(setting) ?? {};
  const path = setting.type === "array" ? `${key}[]` : key;
  const given = setting.default ?? byDefault;
  const title = `${"#".repeat(Math.min(level, 4))} ${key}`;
  const about = [meaningOf(setting), `${typeOfSection(setting)}${required ? ", required" : ""}.`].filter(Boolean);
  const entries = Object.entries(inner.properties ?? {});
  const alike = sameBelow(inner);
  if (alike !== undefined) {
    const names = entries.map(([name]) => name);
    const rows = Object.entries(alike.properties ?? {}).map(([name, below]) => ({
      key: `${path}.*.${name}`,
      setting: below,
      required: false,
      byDefault: Object.fromEntries(names.map((tier) => [tier, at(at(given, tier), name)])),
    }));
    return [
      title,
      about.join(" "),
      `The same keys below each of ${codes(names)}, for which the star stands:`,
      settingsTable(rows),
    ];
  }
  const rows = entries.map(([name, below]) => ({
    key: `${path}.${name}`,
    setting: below,
    required: isRequired(inner, name) && at(given, name) === undefined,
    byDefault: below.default ?? at(given, name),
  }));
  const deeper = entries.filter(([, below]) => sectionIn(below) !== undefined);
  return [
    title,
    about.join(" "),
    settingsTable(rows),
    ...deeper.flatMap(([name, below]) =>
      section(`${path}.${name}`, below, isRequired(inner, name), level + 1, at(given, name)),
    ),
  ];
}

/** The section that a setting is, or that each item of a list is. */
function sectionIn(setting: Setting): Setting | undefined {
  const inner = setting.type === "array" ? (setting.items ?? {}) : setting;
  return inner.type === "object" && inner.properties !== undefined ? inner : undefined;
}

const typeOfSection = (setting: Setting): string =>
  setting.type === "array" ? "A list; each item is a section" : "A section";

/** The one form that all sections below a section share, where they do: a tier's limits. */
function sameBelow({ properties = {} }: Setting): Setting | undefined {
  const [first, ...others] = Object.values(properties);
  if (first === undefined || others.length === 0 || sectionIn(first) === undefined) return undefined;
  return others.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined;
}

const isRequired = ({ required = [] }: Setting, key: string): boolean => required.includes(key);

const at = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;

function defaultOf({ setting, required, byDefault }: Row): string {
  if (required) return "**required**";
  if (byDefault !== undefined && sectionIn(setting) !== undefined) return "its keys' own";
  return byDefault === undefined ? "–" : shown(byDefault);
}

/** As YAML takes it on one line. */
function shown(value: unknown): string {
  const text = (inner: unknown): string => {
    if (Array.isArray(inner)) return `[${inner.map(text).join(", ")}]`;
    if (typeof inner === "object" && inner !== null) {
      const entries = Object.entries(inner).map(([key, below]) => `${key}: ${text(below)}`);
      return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
    }
    return typeof inner === "string" && /^(\d+|true|false|)$/.test(inner) ? `"${inner}"` : String(inner);
  };
  return code(text(value));
}

function meaningOf({ description = "" }: Setting): string {
  if (!description.startsWith(SECRET)) return description;
  const rest = description.slice(SECRET.length).trim();
  return `**Secret.** ${rest.slice(0, 1).toUpperCase()}${rest.slice(1)}`;
}
