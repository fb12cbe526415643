import { expect, test } from "vitest";
import type { Repository } from "../../ci/forge-repository.ts";
import { activityBetween, pusherName } from "../../ci/push/forge-activity.ts";

const hash = (letter: string) => letter.repeat(40);
const [A, B, C, D] = ["a", "b", "c", "d"].map(hash) as [string, string, string, string];
let id = 0;
const push = (login: string, from: string, to: string, ref = "refs/heads/master", account?: number) => ({
  ...{ id: ++id, op_type: "commit_repo", ref_name: ref, created: "2026-11-22T12:00:00Z" },
  act_user: { login, ...(account !== undefined && { id: account }) },
  content: JSON.stringify({ Commits: [], HeadCommit: { Sha1: to }, CompareURL: `ops/infra/compare/${from}...${to}` }),
});
const tag = (login: string, name: string, account?: number) => ({
  ...push(login, A, B, `refs/tags/${name}`, account),
  op_type: "push_tag",
});

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
  expect((await activityBetween(record, "master", A, D, [])).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: "emo", from: B, to: C },
    { pusher: "anca", from: A, to: B },
  ]);
});

test("a push that the record does not show is by nobody known, and an admin's on top does not hide it", async () => {
  const record = recordOf([push("wizard", C, D), push("anca", A, B)]);
  expect((await activityBetween(record, "master", A, D, [])).pushes).toEqual([
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
  expect((await activityBetween(record, "master", A, B, [])).pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
});

test("who pushed a tag is everybody who ever did, by the record", async () => {
  const record = recordOf([tag("emo", "confirm/x"), tag("wizard", "confirm/x"), push("emo", A, B)]);
  const { taggers } = await activityBetween(record, "master", A, B, []);
  expect(taggers.get("refs/tags/confirm/x")).toEqual(["emo", "wizard"]);
});

test("a push or a tag in the name of the repository's owner, as a deploy key's is, identifies nobody", async () => {
  const record = recordOf([tag("Ops", "confirm/x"), tag("wizard", "confirm/x"), push("ops", B, C), push("OPS", A, B)]);
  const { pushes, taggers } = await activityBetween(record, "master", A, C, []);
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
  expect((await activityBetween(record, "master", A, C, [])).pushes.map(({ pusher }) => pusher)).toEqual([
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
  const { pushes } = await activityBetween(endless as unknown as Repository, "master", A, B, []);
  expect(pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
  expect(pages).toBeLessThanOrEqual(40);
});

test("where releases are on, the record names nobody who pushed a tag: a moved release pushes one in its publisher's name", async () => {
  const record = forgeWith(true, [[tag("wizard", "confirm/x"), push("emo", A, B)]]);
  const found = await activityBetween(record, "master", A, B, []);
  expect([found.taggers.size, found.namesTaggers, found.pushes]).toEqual([
    0,
    false,
    [{ pusher: "emo", from: A, to: B }],
  ]);
});

/** The admin's account as the last deployment recorded it. */
const ADMINS = [{ login: "wizard", id: 5 }];
const MASTER = "refs/heads/master";

test.each([
  [
    "of another id",
    9,
    "an account of id 9 that has the login Wizard now",
    /"wizard" has id 5, and an account of id 9 has/,
  ],
  [
    "without an id",
    undefined,
    "an account without an id that has the login Wizard now",
    /previously: \{forgejo_login: wizard\}/,
  ],
])(
  "an account %s that has an admin's login identifies nobody, for a push and for a tag",
  async (_, account, name, notice) => {
    const record = recordOf([tag("Wizard", "confirm/x", account), push("Wizard", A, B, MASTER, account)]);
    const found = await activityBetween(record, "master", A, B, ADMINS);
    expect(found.pushes).toEqual([{ pusher: undefined, account: name, from: A, to: B }]);
    expect([found.pushes.map(pusherName), found.taggers.size]).toEqual([[name], 0]);
    expect(found.notices).toEqual([expect.stringMatching(notice)]);
  },
);

test("an admin's own account counts by its login, and a renamed one is named with what the roster has to say", async () => {
  const record = recordOf([
    tag("wizard2", "confirm/x", 5),
    push("wizard2", C, D, MASTER, 5),
    push("WIZARD", B, C, MASTER, 5),
    push("ebarzin", A, B, MASTER, 7),
  ]);
  const { pushes, taggers, notices } = await activityBetween(record, "master", A, D, ADMINS);
  expect(pushes.map(({ pusher }) => pusher)).toEqual(["wizard2", "WIZARD", "ebarzin"]);
  expect(taggers.get("refs/tags/confirm/x")).toEqual(["wizard2"]);
  expect(notices).toEqual([
    expect.stringContaining(
      'the forge account "wizard" was renamed to "wizard2" by its owner (id 5); write login: wizard2 and previously: {forgejo_login: wizard} in its row',
    ),
  ]);
});

test("an admin without a recorded id counts by login, and accounts of other refs raise no notice", async () => {
  const record = recordOf([push("wizard", A, B, MASTER, 9), push("second", A, B, "refs/heads/topic", 9)]);
  const admins = [
    { login: "wizard", id: undefined },
    { login: "second", id: 6 },
  ];
  const { pushes, notices } = await activityBetween(record, "master", A, B, admins);
  expect([pushes, notices]).toEqual([[{ pusher: "wizard", from: A, to: B }], []]);
});
