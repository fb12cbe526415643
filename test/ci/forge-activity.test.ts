import { expect, test } from "vitest";
import type { Repository } from "../../ci/forge-repository.ts";
import { activityBetween } from "../../ci/push/forge-activity.ts";

const hash = (letter: string) => letter.repeat(40);
const [A, B, C, D] = ["a", "b", "c", "d"].map(hash) as [string, string, string, string];
let id = 0;
const push = (login: string, from: string, to: string, ref = "refs/heads/master") => ({
  ...{ id: ++id, op_type: "commit_repo", ref_name: ref, act_user: { login }, created: "2026-11-22T12:00:00Z" },
  content: JSON.stringify({ Commits: [], HeadCommit: { Sha1: to }, CompareURL: `ops/infra/compare/${from}...${to}` }),
});
const tag = (login: string, name: string) => ({ ...push(login, A, B, `refs/tags/${name}`), op_type: "push_tag" });

/** A forge whose record has these pages, the newest entry first. */
const recordOf = (...pages: readonly object[][]): Repository => forgeWith(false, pages);
const forgeWith = (hasReleases: boolean, pages: readonly object[][]): Repository => ({
  full: "ops/infra",
  login: "reader",
  at: (...rest) => ["repos", "ops", "infra", ...rest],
  forge: {
    ask: async ({ query }: { query?: Readonly<Record<string, string>> }, form: { parse(value: unknown): unknown }) =>
      form.parse(query === undefined ? { has_releases: hasReleases } : (pages[Number(query.page) - 1] ?? [])),
  } as unknown as Repository["forge"],
});

test("every push between two commits is named by its login, over as many pages as it takes", async () => {
  const record = recordOf(
    [push("wizard", C, D), push("emo", A, B, "refs/heads/topic")],
    [push("emo", B, C), push("anca", A, B)],
  );
  expect((await activityBetween(record, "master", A, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: "emo", from: B, to: C },
    { pusher: "anca", from: A, to: B },
  ]);
});

test("a push that the record does not show is by nobody known, and an admin's on top does not hide it", async () => {
  const record = recordOf([push("wizard", C, D), push("anca", A, B)]);
  expect((await activityBetween(record, "master", A, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: undefined, from: A, to: C },
  ]);
});

test("a push to another branch, or one whose end is not its head, stands for nothing", async () => {
  const forged = {
    ...push("wizard", A, B),
    content: JSON.stringify({ HeadCommit: { Sha1: B }, CompareURL: `x/${A}...${C}` }),
  };
  const record = recordOf([push("wizard", A, B, "refs/heads/topic"), forged]);
  expect((await activityBetween(record, "master", A, B)).pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
});

test("who pushed a tag is everybody who ever did, by the record", async () => {
  const record = recordOf([tag("emo", "confirm/x"), tag("wizard", "confirm/x"), push("emo", A, B)]);
  const { taggers } = await activityBetween(record, "master", A, B);
  expect(taggers.get("refs/tags/confirm/x")).toEqual(["emo", "wizard"]);
});

test("a push or a tag in the name of the repository's owner, as a deploy key's is, identifies nobody", async () => {
  const record = recordOf([tag("Ops", "confirm/x"), tag("wizard", "confirm/x"), push("ops", B, C), push("OPS", A, B)]);
  const { pushes, taggers } = await activityBetween(record, "master", A, C);
  expect(pushes.map(({ pusher }) => pusher)).toEqual([undefined, undefined]);
  expect(taggers.get("refs/tags/confirm/x")).toEqual(["wizard"]);
});

test("a scheduled merge identifies nobody: its branch may have changed after an admin scheduled it", async () => {
  const merge = (login: string, created: string) => ({
    ...{ id: ++id, op_type: "auto_merge_pull_request", ref_name: "", act_user: { login }, created },
    content: "7|Add a person",
  });
  const record = recordOf(
    [push("wizard", B, C)],
    [merge("Wizard", "2026-11-22T13:00:01+01:00"), push("anca", A, B), merge("anca", "2026-11-22T11:00:00Z")],
  );
  expect((await activityBetween(record, "master", A, C)).pushes.map(({ pusher }) => pusher)).toEqual([
    undefined,
    "anca",
  ]);
});

test("a record without an end is read so far and no further", async () => {
  let pages = 0;
  const endless = {
    ...recordOf(),
    forge: {
      ask: async ({ query }: { query?: object }) =>
        query === undefined ? { has_releases: false } : [push("emo", hash("e"), hash(String(++pages % 10)))],
    },
  };
  const { pushes } = await activityBetween(endless as unknown as Repository, "master", A, B);
  expect(pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
  expect(pages).toBeLessThanOrEqual(40);
});

test("where releases are on, the record names nobody who pushed a tag: a moved release pushes one in its publisher's name", async () => {
  const record = forgeWith(true, [[tag("wizard", "confirm/x"), push("emo", A, B)]]);
  const found = await activityBetween(record, "master", A, B);
  expect([found.taggers.size, found.namesTaggers, found.pushes]).toEqual([
    0,
    false,
    [{ pusher: "emo", from: A, to: B }],
  ]);
});
