/**
 * Defines the grammar of every name, with the sentence that says what would be right. The validator and the editor's
 * schema share them.
 */

export interface Grammar {
  readonly pattern: RegExp;
  /** Completes "…; " after what was found. */
  readonly right: string;
  /** The most characters that a text may have, where the pattern bounds them. */
  readonly longest?: number;
}

const grammar = (pattern: RegExp, right: string, longest?: number): Grammar => ({
  pattern,
  right,
  ...(longest === undefined ? {} : { longest }),
});

export const OS_USER = grammar(
  /^[a-z_][a-z0-9_-]{0,31}$/,
  'an OS user is 1 to 32 lower-case letters, digits, "_" and "-", and begins with a letter or "_"',
  32,
);
export const AUTHENTIK_USER = grammar(
  /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/,
  'use the login as single sign-on reports it: ASCII letters, digits and ". _ @ + -", beginning with a letter or digit',
  128,
);
export const DNS_LABEL = grammar(
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
  'use a DNS label: up to 63 lower-case letters, digits and "-", beginning and ending with a letter or digit',
  63,
);
/** Ten characters less than a label, because `dashboard-<k8s_user>` must be one. */
export const K8S_USER = grammar(
  /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/,
  'use up to 53 lower-case letters, digits and "-", beginning and ending with a letter or digit ("dashboard-" is put before it, and 63 is the limit of both)',
  53,
);
export const EMAIL = grammar(
  /^(?=.{3,254}$)[A-Za-z0-9](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_%+'-])?@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
  "use one plain address such as name@example.org",
  254,
);
export const REPO = grammar(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
  'use the plain name of a repository: letters, digits and ". _ -", beginning with a letter or digit, without owner or slash',
  100,
);
export const FORGEJO_LOGIN = grammar(
  /^[A-Za-z0-9](?:[._-]?[A-Za-z0-9]){0,39}$/,
  'use a Forgejo login: up to 40 letters and digits, with single ". _ -" between them',
  40,
);
export const DAY = grammar(/^\d{4}-\d{2}-\d{2}$/, "use a day such as 2027-01-31");
export const HOST = grammar(
  /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/,
  "use the name of one of the stack's hosts",
  63,
);
export const MEMORY = grammar(/^[1-9]\d{0,14}[KMGT]$/, 'use a size with its unit, such as "8G" or "2048M"');
export const CPU = grammar(/^[1-9]\d{0,4}%$/, 'use a share of processors such as "200%", which is two of them');
export const TASKS = grammar(/^[1-9]\d{0,8}$/, "use a number of tasks such as 4096");
/** What a ledger may hold: earlier versions accepted a size without a unit, a share of the host, and no limit at all. */
export const STORED_MEMORY = grammar(/^([1-9]\d{0,14}[KMGT]?|[1-9]\d?%|100%|infinity)$/, MEMORY.right);
export const STORED_TASKS = grammar(/^([1-9]\d{0,8}|infinity)$/, TASKS.right);
export const CPU_QUANTITY = grammar(
  /^(?!0(\.0+)?m?$)(0|[1-9]\d{0,8})(\.\d{1,3}|m)?$/,
  'use processors such as "2" or "500m"',
);
/** What a ledger and the cluster's user map may hold: Kubernetes ignores zeros in front. */
export const STORED_CPU_QUANTITY = grammar(/^(?!0+(\.0+)?m?$)\d{1,9}(\.\d{1,3}|m)?$/, CPU_QUANTITY.right);
export const MEMORY_QUANTITY = grammar(
  /^[1-9]\d{0,14}([KMGTPE]i|[kMGTPE])$/,
  'use a size with its unit, such as "4Gi" or "512Mi"',
);
/** What a ledger and the cluster's user map may hold: Kubernetes takes a size without a unit for bytes. */
export const STORED_MEMORY_QUANTITY = grammar(/^[1-9]\d{0,14}([KMGTPE]i|[kMGTPE])?$/, MEMORY_QUANTITY.right);
export const COUNT = grammar(/^[1-9]\d{0,8}$/, "use a whole number such as 20");
