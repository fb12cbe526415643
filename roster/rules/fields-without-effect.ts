/** Finds fields of a row that change nothing, because another field or the stack decides: each is a warning with the reason. */

import type { WrittenRow } from "../schema/row.ts";
import { withArticle } from "../text/quote.ts";
import type { Path } from "../text/tree-values.ts";
import { TIER_NAMES, TIERS } from "../tiers.ts";
import { type Finding, warningInRow } from "./finding.ts";

/** What the row itself shows. Nothing for a row whose shape is wrong: it may not say what it means. */
export function fieldsWithoutEffect(user: string, written: WrittenRow | undefined): readonly Finding[] {
  if (written === undefined) return [];
  const {
    tier,
    quota,
    forgejo,
    previously,
    parked,
    claude_auth: claudeAuth,
    code_layout: layout,
    repos = [],
  } = written;
  const person = withArticle(tier);
  const found: Finding[] = [];
  const add = (path: Path, message: string) => found.push({ ...warningInRow(user, path, message), at: "key" });
  if (hasFields(quota) && !TIERS[tier].ownsNamespaces)
    add(["quota"], `has no effect, because ${person} owns no namespace; remove it, or make the tier ${OWNERS}`);
  if (TIERS[tier].clone === "untouched") {
    const why = `has no effect, because ${person}'s ~/code is their own and never touched; remove it, or lower the tier`;
    if (layout !== undefined) add(["code_layout"], why);
    if (repos.length > 0) add(["repos"], why);
  }
  if (forgejo?.push === false && TIERS[tier].administers)
    add(["forgejo", "push"], `false has no effect, because ${person} pushes in any case; remove it, or lower the tier`);
  if (parked === true && claudeAuth === true)
    add(["claude_auth"], "true has no effect while the person is parked, because nothing of theirs runs; remove it");
  if (previously?.forgejo_login !== undefined && forgejo === undefined)
    add(
      ["previously", "forgejo_login"],
      "has no effect, because the row has no forgejo.login that it was renamed to; remove it, or add forgejo:",
    );
  return found;
}

const OWNERS = TIER_NAMES.filter((name) => TIERS[name].ownsNamespaces).join(" or ");

const hasFields = (section: object | undefined): boolean =>
  Object.values(section ?? {}).some((value) => value !== undefined);
