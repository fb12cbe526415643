/** Tells header names apart as the programs behind a proxy do, some of which take similar names for the same. */

/**
 * The form in which look-alikes are equal: `X_Authentik_Username`, `x.authentik.username`. Some servers take every
 * separator for a dash, and some drop blanks.
 */
export const comparableHeaderName = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\s+/g, "")
    .replace(/[^a-z0-9]/g, "-");
