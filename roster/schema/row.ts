/**
 * Defines the shape of one row, once: it checks what is read, it becomes the editor's JSON Schema, and its texts are
 * the messages.
 */

import { z } from "zod";
import { TIER_NAMES } from "../tiers.ts";
import { RESERVED_LOGINS } from "./reserved-names.ts";
import { quote, describeValue } from "../text/quote.ts";
import { didYouMean } from "../text/suggest.ts";
import { UnquotedScalar } from "../text/scalar-source.ts";
import * as names from "./patterns.ts";
import { nearMiss, type Refusal } from "./near-misses.ts";
import type { Grammar } from "./patterns.ts";
import { acceptsAll, idleRepo, outOfCalendar, reservedLogin, systemAccount, within } from "./refusals.ts";
import { type Bounds, LIMIT_BOUNDS, QUOTA_BOUNDS } from "./size-limits.ts";

/** What was found and what would be right; a value that only lacks its quotes is told so. */
const found = (input: unknown, grammar: Grammar, refusal: Refusal): string => {
  const { pattern, right, longest } = grammar;
  if (input === undefined) return `is missing; ${right}`;
  if (input === null) return `nothing is given; ${right}`;
  if (input instanceof UnquotedScalar && pattern.test(input.source))
    return `YAML reads ${describeValue(input)} here; if that is the name, put it in quotes: "${input.source}"`;
  if (typeof input === "string" && longest !== undefined && input.length > longest)
    return `${describeValue(input)} has ${input.length} characters, and ${longest} is the most; ${right}`;
  const value = input instanceof UnquotedScalar ? input.value : input;
  const isPlain = typeof value === "string" || typeof value === "number";
  const text = isPlain ? (input instanceof UnquotedScalar ? input.source : String(input)) : undefined;
  const cause = text === undefined ? undefined : nearMiss(text, grammar, refusal);
  return `${describeValue(input)} does not fit${cause === undefined ? `; ${right}` : `, because it ${cause}`}`;
};

const refusedBy = (refusal: Refusal) => (value: string, context: z.RefinementCtx) => {
  const message = refusal(value);
  if (message !== undefined) context.addIssue({ code: "custom", message });
};

/** A text of the grammar. @param refusal the field's further rule */
const text = (grammar: Grammar, description: string, refusal = acceptsAll) =>
  z
    .string({ error: (issue) => found(issue.input, grammar, refusal) })
    .regex(grammar.pattern, { error: (issue) => found(issue.input, grammar, refusal), abort: true })
    .superRefine(refusedBy(refusal))
    .describe(description);

/**
 * A value that YAML may read as a number when it is not quoted. What is written is what counts: `0512` is 512 to one
 * YAML tool and 330 to another, and is refused with quotes and without.
 */
const figure = (grammar: Grammar, description: string, refusal = acceptsAll) => {
  const error = (issue: { readonly input?: unknown }) => found(issue.input, grammar, refusal);
  const written = z.string().regex(grammar.pattern, { error });
  const read = z.number().refine((value) => grammar.pattern.test(String(value)), { error });
  const asWritten = (input: unknown) => {
    const isFigure = input instanceof UnquotedScalar && typeof input.value === "number";
    return isFigure && grammar.pattern.test(input.source) ? input.source : input;
  };
  return z
    .preprocess(asWritten, z.union([written, read], { error }).transform(String))
    .superRefine(refusedBy(refusal))
    .describe(description);
};

/** A text of the grammar that lies within bounds. */
const size = (grammar: Grammar, bounds: Bounds, description: string) =>
  text(grammar, withBounds(description, bounds), within(bounds));

/** A figure that lies within bounds. */
const boundedFigure = (grammar: Grammar, bounds: Bounds, description: string) =>
  figure(grammar, withBounds(description, bounds), within(bounds));

const withBounds = (description: string, { floor, ceiling }: Bounds): string =>
  `${description} From ${floor} to ${ceiling}.`;

/** YAML reads text of this form as something else unless it stands in quotes. */
const isQuoted = (input: unknown, form: RegExp): boolean => typeof input === "string" && form.test(input);

const flag = (description: string, byDefault: boolean) =>
  z
    .boolean({
      error: (issue) => {
        const meant = /^(yes|on|y)$/i.test(String(issue.input))
          ? "true"
          : /^(no|off|n)$/i.test(String(issue.input))
            ? "false"
            : "";
        const right = meant === "" ? "true or false" : meant;
        if (issue.input === undefined || issue.input === null) return `nothing is given; write ${right}`;
        if (isQuoted(issue.input, /^(true|false)$/i))
          return `${describeValue(issue.input)} in quotes is a text and no switch; remove the quotes`;
        return `${describeValue(issue.input)} is not a switch; write ${right}`;
      },
    })
    .optional()
    .describe(`${description} Default ${byDefault}.`);

const choice = <const Words extends readonly string[]>(words: Words, description: string) =>
  z
    .enum(words, {
      error: (issue) =>
        issue.input === undefined || issue.input === null
          ? `${issue.input === null ? "nothing is given" : "is missing"}; choose one of ${words.join(", ")}`
          : `${describeValue(issue.input)} is not valid; it must be one of ${words.join(", ")}${didYouMean(issue.input, words)}`,
    })
    .describe(description);

const list = <Item extends z.ZodType>(item: Item, right: string, description: string) =>
  z
    .array(item, {
      error: (issue) =>
        `expected a list but found ${describeValue(issue.input)}; ${isQuoted(issue.input, /^\[.*\]$/) ? "remove the quotes" : `write ${right}`}`,
    })
    .optional()
    .describe(description);

const map = <Shape extends z.ZodRawShape>(shape: Shape, right: string) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? undefined
        : `expected a map but found ${describeValue(issue.input)}; ${isQuoted(issue.input, /^\{.*\}$/) ? "remove the quotes" : `write ${right}`}`,
  });

const authentikUser = text(
  names.AUTHENTIK_USER,
  "The login that the forward-auth proxy reports. Unique without regard to case.",
  reservedLogin,
).meta({ not: { enum: RESERVED_LOGINS } });

/** RFC 5321, section 4.5.3.1.1. */
const LONGEST_LOCAL_PART = 64;

const foundEmail = (input: unknown): string => {
  const local = typeof input === "string" ? input.indexOf("@") : -1;
  return local > LONGEST_LOCAL_PART && String(input).length <= (names.EMAIL.longest ?? 0)
    ? `${describeValue(input)} has ${local} characters before "@", and ${LONGEST_LOCAL_PART} is the most; ${names.EMAIL.right}`
    : found(input, names.EMAIL, acceptsAll);
};

const email = z
  .string({ error: (issue) => found(issue.input, names.EMAIL, acceptsAll) })
  .refine((address) => !/^system:/i.test(address), {
    error: (issue) =>
      `${describeValue(issue.input)} begins with "system:", which Kubernetes keeps for itself; ${names.EMAIL.right}`,
    abort: true,
  })
  .regex(names.EMAIL.pattern, { error: (issue) => foundEmail(issue.input) })
  .describe(
    "Subject of the cluster's bindings. Unique without regard to case. Where it is absent, the cluster's user map supplies it.",
  );

export const limits = map(
  {
    memory: size(names.MEMORY, LIMIT_BOUNDS.memory, "Memory of everything the person runs on the host.").optional(),
    cpu: size(names.CPU, LIMIT_BOUNDS.cpu, "Share of processors; 100% is one of them.").optional(),
    tasks: boundedFigure(names.TASKS, LIMIT_BOUNDS.tasks, "Number of processes and threads.").optional(),
    pane_memory: size(
      names.MEMORY,
      LIMIT_BOUNDS.pane_memory,
      "Memory of one tmux pane, at most `memory`, so that a runaway program dies and the conversation lives.",
    ).optional(),
  },
  "keys such as memory: 8G below it",
);

export const quota = map(
  {
    cpu_requests: boundedFigure(
      names.CPU_QUANTITY,
      QUOTA_BOUNDS.cpu_requests,
      "Sum of the processors that pods ask for.",
    ).optional(),
    memory_requests: size(
      names.MEMORY_QUANTITY,
      QUOTA_BOUNDS.memory_requests,
      "Sum of the memory that pods ask for.",
    ).optional(),
    memory_limits: size(
      names.MEMORY_QUANTITY,
      QUOTA_BOUNDS.memory_limits,
      "Sum of the memory that pods may take.",
    ).optional(),
    pods: boundedFigure(names.COUNT, QUOTA_BOUNDS.pods, "Number of pods.").optional(),
  },
  "keys such as pods: 20 below it",
);

/** A quota of the cluster's user map, whose figures are others' to decide. */
export const quotaOfUserMap = z.looseObject({
  cpu_requests: figure(names.STORED_CPU_QUANTITY, "").optional(),
  memory_requests: figure(names.STORED_MEMORY_QUANTITY, "").optional(),
  memory_limits: figure(names.STORED_MEMORY_QUANTITY, "").optional(),
  pods: figure(names.COUNT, "").optional(),
});

/** One row as it is written. What needs two fields or two rows to judge is in `rules/`. */
export const row = map(
  {
    authentik_user: authentikUser,
    k8s_user: text(
      names.K8S_USER,
      "Key in the cluster's user map. Unique; object names and Vault paths are built from it.",
    ),
    tier: choice(TIER_NAMES, "Decides the groups on the host and the rights in the cluster."),
    namespaces: list(
      text(names.DNS_LABEL, "A namespace that belongs to this person alone."),
      "[my-project], one name an item",
      "The namespaces of a namespace-owner, at least one; absent or empty for the other tiers.",
    ),
    email: email.optional(),
    code_layout: choice(
      ["single", "workspace"],
      "What ~/code is: the infra clone itself, or a directory of clones. Default single.",
    ).optional(),
    repos: list(
      text(names.REPO, "Name of a repository of the configured Forgejo owner.", idleRepo),
      "[my-repo], one name an item",
      "Cloned beside infra in a workspace. Absent and empty mean the same: infra alone.",
    ),
    forgejo: map(
      {
        login: text(names.FORGEJO_LOGIN, "The person's Forgejo login. Unique without regard to case."),
        push: flag("Pushes and merges straight to the protected branch; such a push deploys.", false),
      },
      "login: below it",
    )
      .optional()
      .describe("The person's part in the forge. Absent: none."),
    parked: flag("Account and disk stay, nothing of the person runs.", false),
    claude_auth: flag("The timer that syncs the assistant's credentials; off while parked.", true),
    limits: limits.optional().describe("The person's envelope on the host. Absent values come from the tier."),
    quota: quota
      .optional()
      .describe("Quota of each namespace of this person. Absent values come from the user map, then from the stack."),
    until: text(
      names.DAY,
      "Last day of access; on the day after it the person is treated as left.",
      outOfCalendar,
    ).optional(),
    previously: map(
      {
        os_user: text(names.OS_USER, "The row's former key.").optional(),
        authentik_user: text(names.AUTHENTIK_USER, "The former login.").optional(),
        k8s_user: text(names.K8S_USER, "The former key in the cluster's user map.").optional(),
        email: email.optional(),
        forgejo_login: text(names.FORGEJO_LOGIN, "The former Forgejo login.").optional(),
      },
      "keys such as os_user: below it",
    )
      .optional()
      .describe(
        "The former value of a renamed identity: so the rename is neither a leave nor a join. It may stay for good.",
      ),
    host: text(names.HOST, "The DevVM, where the stack has several. Default: the stack's first.").optional(),
  },
  "the person's fields below it",
);

export type WrittenRow = z.output<typeof row>;

/** The same for a key without quotes that YAML reads as a number, a switch or nothing (`keyIs`). */
export const unquotedNameProblem = (name: string, keyIs: string): string =>
  `expected a name as the key but found ${keyIs}; ${names.OS_USER.pattern.test(name) ? `put it in quotes if it is a name: "${name}"` : names.OS_USER.right}`;

const MAX_OS_USER = names.OS_USER.longest ?? Number.POSITIVE_INFINITY;

/** A sentence about a row's key, or nothing when it is a name that a person may have. */
export function osUserProblem(name: string): string | undefined {
  if (names.OS_USER.pattern.test(name)) return systemAccount(name);
  const cause =
    name.length > MAX_OS_USER
      ? `has ${name.length} characters; ${names.OS_USER.right}`
      : nearMiss(name, names.OS_USER, systemAccount);
  return `${quote(name)} is not an OS user${cause === undefined ? `; ${names.OS_USER.right}` : `, because it ${cause}`}`;
}
