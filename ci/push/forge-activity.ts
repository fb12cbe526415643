/**
 * Reads who pushed what from the forge's own record: the login that did it, never a commit's author or committer, which
 * anybody may write, and no variable of the pipeline's server, whose meaning changes from version to version.
 */

import { z } from "zod";
import { parseJson } from "../../clients/parse-json.ts";
import { UNKNOWN_PUSHER } from "../../roster/deployment-message.ts";
import { folded } from "../../roster/text/code-unit-order.ts";
import type { Git } from "../git.ts";
import { listingSignal, type Repository } from "../forge-repository.ts";
import { type AdminAccount, identify, type Identity, type RecordedAccount } from "./admin-accounts.ts";

export interface Push {
  /** The login; undefined where the record does not identify a person who saw these commits. */
  readonly pusher: string | undefined;
  /** How messages name an account that identifies nobody, where the record shows one. */
  readonly account?: string | undefined;
  readonly from: string;
  readonly to: string;
}

/** Who pushed, for a message. */
export const pusherName = ({ pusher, account }: Push): string => pusher ?? account ?? UNKNOWN_PUSHER;

/** An annotated tag that a person pushed with git. */
export interface PushedTag {
  readonly pusher: string;
  /** Hash of the tag object. */
  readonly object: string;
}

export interface Activity {
  /** Every push that led from one commit of the branch to another, newest first. A gap is a push that identifies nobody. */
  readonly pushes: readonly Push[];
  /** The newest entry of each tag's ref, where a person pushed an annotated tag: see {@link activityBetween}. */
  readonly tags: ReadonlyMap<string, PushedTag>;
  /** What an operator has to know of renamed accounts that pushed to the branch or pushed a tag. */
  readonly notices: readonly string[];
}

const entry = z.object({
  id: z.int(),
  op_type: z.string(),
  ref_name: z.string().default(""),
  content: z.string().default(""),
  created: z.iso.datetime({ offset: true }),
  act_user: z.object({ login: z.string(), id: z.int().optional() }).nullish(),
});

const pushed = z.object({
  HeadCommit: z.object({ Sha1: z.string() }),
  CompareURL: z.string(),
});

export interface BranchRange {
  readonly branch: string;
  /** The older commit. */
  readonly from: string;
  /** The newer one, the branch's present head or one below it. */
  readonly to: string;
}

/**
 * Follows the record backwards from one commit to another.
 *
 * A tag counts only where the record names its tag object. Whoever may write can move the release of an admin to another
 * tag: the forge then makes a lightweight tag and records the release's publisher as who pushed it, with the commit's hash
 * (`services/release/release.go` of Gitea 1.26). The push of an annotated tag is recorded with the hash of the tag object
 * (`services/repository/push.go`), which no release and no request to the forge's API can bring about.
 * A push that began at or before the older commit is the last one that counts, from that commit on. Where a push began at
 * a commit that the clone does not have, the branch was rewritten: nobody can be told what that push brought in, so
 * it and all before it identify nobody.
 * @param admins whose logins count only for their own accounts: see {@link identify}
 * @throws ForgeError when the record cannot be read
 */
export async function activityBetween(
  repository: Repository,
  git: Pick<Git, "commit" | "isAncestor">,
  { branch, from, to }: BranchRange,
  admins: readonly AdminAccount[],
): Promise<Activity> {
  const person = personIn(repository, admins);
  const byHead = new Map<string, Recorded>();
  const tagEntries = new Map<string, TagEntry>();
  const found: Recorded[] = [];
  const autoMerges: Moment[] = [];
  const notices = new Set<string>();
  let next = to;
  let isRewritten = false;
  let readBackTo = Number.POSITIVE_INFINITY;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const entries = await pageOf(repository, page);
    for (const { id, op_type, ref_name, content, created, act_user } of entries) {
      const { login: pusher, account, notice } = person(act_user);
      const at = Date.parse(created);
      const isPush = op_type === "commit_repo" && ref_name === `refs/heads/${branch}`;
      if (notice !== undefined && (isPush || op_type === "push_tag")) notices.add(notice);
      if (op_type === "auto_merge_pull_request" && pusher !== undefined) autoMerges.push({ pusher, at });
      // Entries of one second come in no order; their ids do.
      if ((op_type === "push_tag" || op_type === "delete_tag") && id > (tagEntries.get(ref_name)?.id ?? 0))
        tagEntries.set(ref_name, { id, pusher, object: op_type === "push_tag" ? tagObjectIn(content) : undefined });
      const range = isPush ? rangeIn(content) : undefined;
      if (range !== undefined && !byHead.has(range.to)) byHead.set(range.to, { pusher, account, ...range, at });
    }
    for (let push = byHead.get(next); push !== undefined && next !== from && !isRewritten; push = byHead.get(next)) {
      byHead.delete(next);
      isRewritten = (await git.commit(push.from)) !== push.from;
      if (isRewritten) break;
      next = (await git.isAncestor(push.from, from)) ? from : push.from;
      found.push({ ...push, from: next });
    }
    readBackTo = Math.min(readBackTo, ...entries.map(({ created }) => Date.parse(created)));
    if (entries.length === 0) readBackTo = Number.NEGATIVE_INFINITY;
    // The entry of an automatic merge may be older than that of the push it made, with any number of entries between them.
    if (
      readBackTo === Number.NEGATIVE_INFINITY ||
      ((next === from || isRewritten) && found.every(({ at }) => readBackTo < at - AUTO_MERGE_WINDOW_MS))
    )
      break;
  }
  const seen = found.map((push) => seenByPusher(push, autoMerges, readBackTo));
  const elsewhere: Recorded[] = [];
  for (const push of byHead.values())
    if ((await git.commit(push.to)) === push.to && !(await git.isAncestor(push.to, from))) elsewhere.push(push);
  const pushes = await Promise.all(seen.map((push) => withoutOthersCommits(push, elsewhere, git)));
  return {
    pushes: next === from ? pushes : [...pushes, { pusher: undefined, from, to: next }],
    ...{ tags: pushedTags(tagEntries), notices: [...notices] },
  };
}

/**
 * Whom an entry identifies. The forge records a deploy key's push, of a branch or of a tag, as the
 * repository owner's: it has no account for a key (`routers/private/serv.go` of Gitea and of Forgejo). Nothing in the
 * record tells such a push from the owner's own, so an entry in the owner's name identifies nobody.
 */
const personIn = ({ full }: Repository, admins: readonly AdminAccount[]) => {
  const owner = folded(full.split("/")[0] ?? "");
  return (user: RecordedAccount | null | undefined): Identity =>
    user === undefined || user === null || isNoPerson(user) || folded(user.login) === owner
      ? { login: undefined }
      : identify(user, admins);
};

/** The forge's own accounts: a deleted person's pushes are shown as Ghost's (-1), a workflow's as those of its bot (-2). */
const isNoPerson = ({ id }: RecordedAccount): boolean => id !== undefined && id <= 0;

/** What the record says of one tag's ref; a tag that was deleted has no object. */
interface TagEntry {
  readonly id: number;
  readonly pusher: string | undefined;
  readonly object: string | undefined;
}

const pushedTags = (entries: ReadonlyMap<string, TagEntry>): ReadonlyMap<string, PushedTag> =>
  new Map(
    [...entries].flatMap(([ref, { pusher, object }]) =>
      pusher === undefined || object === undefined ? [] : [[ref, { pusher, object }] as const],
    ),
  );

interface Moment {
  readonly pusher: string | undefined;
  /** Milliseconds since 1970. */
  readonly at: number;
}
type Recorded = Push & Moment;

/**
 * A pull request that merges by itself once its checks pass is pushed in the name of the person who scheduled that, with
 * whatever was pushed to its branch afterwards (`services/automerge` of Gitea). That person did not see these commits.
 * @param readBackTo the moment before which the record was not read: a merge that may stand there counts as one
 */
function seenByPusher(
  { pusher, account, from, to, at }: Recorded,
  merges: readonly Moment[],
  readBackTo: number,
): Push {
  const isRead = readBackTo < at - AUTO_MERGE_WINDOW_MS;
  const automatic = merges.some(
    (merge) => folded(merge.pusher ?? "") === folded(pusher ?? "") && Math.abs(merge.at - at) <= AUTO_MERGE_WINDOW_MS,
  );
  return { pusher: automatic || !isRead ? undefined : pusher, account, from, to };
}

/**
 * What somebody pushed and a forced push took back may come again below somebody else's push, who only pulled while it was on
 * the branch. Such a push identifies nobody.
 * @param others recorded pushes to the branch that did not lead to its present head and are not deployed
 */
async function withoutOthersCommits(
  push: Push,
  others: readonly Recorded[],
  git: Pick<Git, "isAncestor">,
): Promise<Push> {
  for (const { pusher, to } of others) {
    if (pusher !== undefined && folded(pusher) === folded(push.pusher ?? "")) continue;
    if (!(await git.isAncestor(to, push.from)) && (await git.isAncestor(to, push.to)))
      return { ...push, pusher: undefined, account: push.account ?? push.pusher };
  }
  return push;
}

/** The forge writes the entries of a merge and of its push separately, from queues that others can fill. */
const AUTO_MERGE_WINDOW_MS = 60 * 60_000;

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
function comparisonIn(content: string): (Pick<Push, "from" | "to"> & { readonly head: string }) | undefined {
  const parsed = content === "" ? undefined : pushed.safeParse(parseJson(content)).data;
  const [, from, to] = /([0-9a-f]{40,64})\.\.\.([0-9a-f]{40,64})$/.exec(parsed?.CompareURL ?? "") ?? [];
  return from === undefined || to === undefined || parsed === undefined
    ? undefined
    : { from, to, head: parsed.HeadCommit.Sha1 };
}

function rangeIn(content: string): Pick<Push, "from" | "to"> | undefined {
  const compared = comparisonIn(content);
  return compared === undefined || compared.to !== compared.head ? undefined : { from: compared.from, to: compared.to };
}

/** A lightweight tag leads to the commit itself. */
function tagObjectIn(content: string): string | undefined {
  const compared = comparisonIn(content);
  return compared === undefined || compared.to === compared.head ? undefined : compared.to;
}
