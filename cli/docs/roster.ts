/**
 * Renders `docs/roster.md`: every field of the roster, from the schema that checks it, and the rules that no schema can
 * hold.
 */

import { z } from "zod";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import {
  RESERVED_K8S_USERS,
  RESERVED_LOGINS,
  SYSTEM_ACCOUNT_PREFIXES,
  SYSTEM_ACCOUNTS,
  SYSTEM_NAMESPACES,
} from "../../roster/schema/reserved-names.ts";
import { OS_USER } from "../../roster/schema/patterns.ts";
import { row } from "../../roster/schema/row.ts";
import { sorted } from "../../roster/text/code-unit-order.ts";
import { TIER_NAMES, TIERS } from "../../roster/tiers.ts";
import { bare } from "../../config/settings/schema-at-path.ts";
import { code, codes, GENERATED, page, table } from "./markdown.ts";

/** The whole page; the same schema, the same bytes. */
export function rosterPage(): string {
  return page([
    GENERATED,
    "# The roster",
    INTRODUCTION,
    "## Fields of a row",
    `The key of a row is the **OS user**: ${OS_USER.right}. It is pinned: \`previously.os_user\` renames a person.`,
    fieldsTable("", row.shape, ABSENT),
    ...SECTIONS.flatMap(({ field, absent }) => [
      `### ${field}`,
      descriptionOf(row.shape[field]),
      fieldsTable(`${field}.`, shapeOf(row.shape[field]), absent),
    ]),
    "## Empty and absent",
    EMPTY_AND_ABSENT,
    "## Tiers",
    tiersTable(),
    "## Rules between fields, and between rows",
    RULES,
    "## Names that are taken",
    takenTable(),
  ]);
}

const INTRODUCTION = [
  "`roster.yaml` says who exists and what they get: the key `users`, below it one row a person, under the name of their",
  "account on the host. An absent or empty `users` is an empty roster. A row that is added makes a working place; a row",
  "that is removed revokes all access and deletes nothing. An unknown key, a key given twice or a wrong type is an",
  "error with its line and column; all errors are said at once, and while there is one nothing is changed anywhere.",
  "",
  "`./ws check roster.yaml` says whether the rules hold, and `roster.schema.json` lets an editor say most of it while you type.",
].join("\n");

type Field = keyof typeof row.shape;
type Section = "forgejo" | "limits" | "quota" | "previously";

/** What holds where a field is not there. A new field without a word here does not compile. */
const ABSENT: Readonly<Record<Field, string>> = {
  authentik_user: "**required**",
  k8s_user: "**required**",
  tier: "**required**",
  namespaces: "none; **required** for a namespace-owner",
  email: "the user map's; pending without one",
  code_layout: "`single`",
  repos: "infra alone",
  forgejo: "no part in the forge",
  parked: "`false`",
  claude_auth: "`true`; off while parked",
  limits: "the tier's, from the stack",
  quota: "the user map's, then the stack's",
  until: "no last day",
  previously: "nothing was renamed",
  host: "the stack's first",
};

const perTier = (name: keyof (typeof DEFAULT_POLICY.limits)["admin"]) =>
  TIER_NAMES.map((tier) => `${tier} ${code(DEFAULT_POLICY.limits[tier][name])}`).join(", ");

const SECTIONS: readonly { readonly field: Section; readonly absent: Readonly<Record<string, string>> }[] = [
  { field: "forgejo", absent: { login: "**required** in `forgejo`", push: "`false`" } },
  {
    field: "limits",
    absent: {
      memory: perTier("memory"),
      cpu: perTier("cpu"),
      tasks: perTier("tasks"),
      pane_memory: perTier("pane_memory"),
    },
  },
  {
    field: "quota",
    absent: Object.fromEntries(Object.entries(DEFAULT_POLICY.quota).map(([key, value]) => [key, code(value)])),
  },
  { field: "previously", absent: {} },
];

function fieldsTable(
  prefix: string,
  shape: Readonly<Record<string, z.core.$ZodType>>,
  absent: Readonly<Record<string, string>>,
): string {
  return table(
    ["field", "what it is", "right form", "where it is absent"],
    Object.entries(shape).map(([name, schema]) => [
      code(`${prefix}${name}`),
      descriptionOf(schema),
      rightOf(schema),
      absent[name] ?? "–",
    ]),
  );
}

/** The default has a column of its own. */
const descriptionOf = (schema: z.core.$ZodType): string => {
  const own = z.globalRegistry.get(schema)?.description ?? z.globalRegistry.get(bare(schema))?.description ?? "";
  return own.replace(/ Default[^.]*\.$/, "");
};

const shapeOf = (schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> => {
  const { def } = (bare(schema) as z.core.$ZodTypes)._zod;
  return def.type === "object" ? def.shape : {};
};

/** What the schema's own message asks for where nothing is given; of a list, what it asks of each item as well. */
function rightOf(schema: z.core.$ZodType): string {
  const inner = bare(schema) as z.core.$ZodTypes;
  const { error } = z.safeParse(inner, undefined);
  const message = error?.issues[0]?.message ?? "";
  const right = message.slice(message.indexOf("; ") + 2);
  const { def } = inner._zod;
  return def.type === "array" ? `${right}; each item: ${rightOf(def.element)}` : right;
}

const EMPTY_AND_ABSENT = [
  "A list or a map that is there and empty is not always the same as one that is not there:",
  "",
  table(
    ["", "absent", "empty (`[]` or `{}`)"],
    [
      ["`users`", "an empty roster", "an empty roster; so is an empty file"],
      ["a row", "the person is not on the roster", "an error: three fields are required"],
      ["`namespaces`", "none; an error for a namespace-owner", "the same"],
      ["`repos`", "infra alone", "the same"],
      ["`forgejo`", "no part in the forge", "an error: `login` is required"],
      ["`limits`, `quota`, `previously`", "see above", "the same"],
      ["any other field", "its default", "an error: nothing is given"],
    ],
  ),
  "",
  "A key without a value (`repos:` and nothing behind it) is an error everywhere but in `users:`. Clones of a repository that is",
  "taken off `repos`, and a namespace that is taken off `namespaces`, stay with everything in them.",
].join("\n");

const tiersTable = (): string =>
  table(
    ["tier", "groups on the host", "cluster role", "`~/code`", "owns namespaces", "pushes to the protected branch"],
    TIER_NAMES.map((name) => {
      const tier = TIERS[name];
      return [
        code(name),
        tier.groups.length === 0 ? "none" : codes(tier.groups),
        `${code(tier.clusterRole)}${tier.ownsNamespaces ? ", and `admin` in each own namespace" : ""}`,
        tier.clone === "untouched" ? "their own tree, never touched" : "a locked clone",
        tier.ownsNamespaces ? "at least one" : "none",
        tier.administers ? "with a `forgejo.login`" : "with `forgejo.push: true`",
      ];
    }),
  );

const RULES = [
  "- `authentik_user`, `k8s_user`, `email` and `forgejo.login` are one person's each, upper and lower case alike.",
  "- A namespace has one owner, occurs in a list once, and is not named after a `k8s_user` that is or was another person's.",
  "- `namespaces` goes with tier `namespace-owner`, and with no other.",
  "- `repos` goes with `code_layout: workspace`; `infra` is always there and not listed; no name stands there twice.",
  "- `previously` holds former values: none that the row says today, no `os_user` that still has a row, and no `k8s_user` that is",
  "  or was another person's. An `os_user` that the ledger does not know, or another",
  "  value that the person did not have, is a warning: nobody is renamed. No two rows state the same former value.",
  "- `host` is a host of the stack.",
  "- `quota.memory_requests` is at most `quota.memory_limits`, counting the figures that the user map and the stack supply; and",
  "  `quota.pods` leave each pod a share of at least 1m of a processor, and of 1Mi and 6Mi of the two.",
  "- A field that has no effect is a warning with the reason: a `quota` without namespaces, `code_layout` and `repos` of an admin, a part",
  "  for a surface that the stack does not have, an `until` that has passed.",
  "- Where the stack reads a user map: a tier that differs from the map's role is an error, a non-admin who is not in the map",
  "  is a warning (the grant is pending), admins are exempt. An address that the map supplies is one person's too.",
  "- A `k8s_user` that was another person's, offboarded or not, is given to nobody else: secrets in Vault are kept below it.",
  "  Nor is it named after a namespace that another person left or gave up, which is kept with everything in it.",
  "  The login, the e-mail and the namespaces of an offboarded user can be given on, with a warning; ports and uid never are.",
  "  An e-mail that was ever another person's brings its next holder none of the sessions that were opened by it before.",
  "  A namespace is handed over by its label `workstation/owner` in the cluster as well: until then the deployment refuses it.",
].join("\n");

const takenTable = (): string =>
  table(
    ["what", "never one of"],
    [
      ["OS user", `${codes(sorted(SYSTEM_ACCOUNTS))}; nor anything that begins with ${codes(SYSTEM_ACCOUNT_PREFIXES)}`],
      ["`authentik_user`", codes(sorted(RESERVED_LOGINS))],
      [
        "`k8s_user`",
        `${codes(sorted(RESERVED_K8S_USERS))}, anything that begins with \`kube-\`, without \`userMapFile\` the first segment of \`vault.userMap.path\`, and its \`reservedK8sUsers\``,
      ],
      [
        "namespace",
        `${codes(sorted(SYSTEM_NAMESPACES))}, anything that begins with \`kube-\`, and the stack's \`systemNamespaces\``,
      ],
    ],
  );
