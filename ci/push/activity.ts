/**
 * Who pushed what, by the forge's own record of it: the login that did it, never a commit's author or committer, which
 * anybody may write, and no variable of the pipeline's server, whose meaning changes from version to version.
 */

import { z } from "zod";
import { listingSignal, type Repository } from "../repository.ts";

export interface Push {
  /** The login; undefined where the forge does not say who it was. */
  readonly pusher: string | undefined;
  readonly from: string;
  readonly to: string;
}

export interface Activity {
  /** Every push that led from one commit of the branch to another, newest first. A gap is a push by nobody known. */
  readonly pushes: readonly Push[];
  /** Who pushed which tag of that name, ever, as far as the record was read. */
  readonly taggers: ReadonlyMap<string, readonly string[]>;
}

const entry = z.object({
  id: z.int(),
  op_type: z.string(),
  ref_name: z.string().default(""),
  content: z.string().default(""),
  act_user: z.object({ login: z.string() }).nullish(),
});

const pushed = z.object({
  HeadCommit: z.object({ Sha1: z.string() }),
  CompareURL: z.string(),
});

/**
 * Follows the record backwards from one commit to another.
 * @param from the older commit @param to the newer one, the branch's present head or one below it
 * @throws ForgeError when the record cannot be read
 */
export async function activityBetween(
  repository: Repository,
  branch: string,
  from: string,
  to: string,
): Promise<Activity> {
  const byHead = new Map<string, Push>();
  const taggers = new Map<string, string[]>();
  const pushes: Push[] = [];
  let next = to;
  for (let page = 1; page <= MAX_PAGES && next !== from; page += 1) {
    const entries = await pageOf(repository, page);
    for (const { op_type, ref_name, content, act_user } of entries) {
      if (op_type === "push_tag" && act_user) {
        taggers.set(ref_name, [...(taggers.get(ref_name) ?? []), act_user.login]);
      }
      if (op_type !== "commit_repo" || ref_name !== `refs/heads/${branch}`) continue;
      const push = pushIn(content, act_user?.login);
      if (push !== undefined && !byHead.has(push.to)) byHead.set(push.to, push);
    }
    for (let push = byHead.get(next); push !== undefined && next !== from; push = byHead.get(next)) {
      pushes.push(push);
      byHead.delete(next);
      next = push.from;
    }
    if (entries.length === 0) break;
  }
  return { pushes: next === from ? pushes : [...pushes, { pusher: undefined, from, to: next }], taggers };
}

/** The record is read this far back at most; what lies beyond is by nobody known. */
const MAX_PAGES = 40;
const PAGE_SIZE = "50";

const pageOf = ({ forge, at, full }: Repository, page: number) =>
  forge.ask(
    {
      method: "GET",
      path: at("activities", "feeds"),
      query: { page: String(page), limit: PAGE_SIZE },
      purpose: `read who pushed to ${full}`,
    },
    z.array(entry),
    listingSignal(),
  );

/** The record's content is the forge's own JSON; the first push of a new branch has none. */
function pushIn(content: string, pusher: string | undefined): Push | undefined {
  if (content === "") return undefined;
  const parsed = pushed.safeParse(JSON.parse(content));
  const range = parsed.success ? /([0-9a-f]{40,64})\.\.\.([0-9a-f]{40,64})$/.exec(parsed.data.CompareURL) : null;
  const [, from, to] = range ?? [];
  if (from === undefined || to === undefined || !parsed.success || parsed.data.HeadCommit.Sha1 !== to) return undefined;
  return { pusher, from, to };
}
