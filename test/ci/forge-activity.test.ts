import { expect, test } from "vitest";
import type { AdminAccount } from "../../ci/push/admin-accounts.ts";
import type { Repository } from "../../ci/forge-repository.ts";
import { activityBetween, pusherName } from "../../ci/push/forge-activity.ts";

const hash = (letter: string) => letter.repeat(40);
const LOST = "0123456789".repeat(4);
const [A, B, C, D] = ["a", "b", "c", "d"].map(hash) as [string, string, string, string];
let id = 0;
const push = (login: string, from: string, to: string, ref = "refs/heads/master", account?: number) => ({
  ...{ id: ++id, op_type: "commit_repo", ref_name: ref, created: "2026-11-22T12:00:00Z" },
  act_user: { login, ...(account !== undefined && { id: account }) },
  content: JSON.stringify({ Commits: [], HeadCommit: { Sha1: to }, CompareURL: `ops/infra/compare/${from}...${to}` }),
});
/** A tag's entry as the forge writes it: the object is the commit's own hash for a lightweight tag. */
const tag = (login: string, name: string, account?: number, object = OBJECT, op_type = "push_tag") => ({
  ...push(login, A, B, `refs/tags/${name}`, account),
  op_type,
  content: JSON.stringify({ HeadCommit: { Sha1: B }, CompareURL: `ops/infra/compare/${"0".repeat(40)}...${object}` }),
});
const deletedTag = (login: string, name: string) => ({
  ...tag(login, name, undefined, OBJECT, "delete_tag"),
  content: JSON.stringify({ HeadCommit: null, CompareURL: "" }),
});
const OBJECT = "f".repeat(40);

/** A forge whose record has these pages, the newest entry first. */
const recordOf = (...pages: readonly object[][]): Repository => ({
  full: "ops/infra",
  login: "reader",
  at: (...rest) => ["repos", "ops", "infra", ...rest],
  forge: {
    ask: async ({ query }: { query?: Readonly<Record<string, string>> }, form: { parse(value: unknown): unknown }) =>
      form.parse(pages[Number(query?.page) - 1] ?? []),
  } as unknown as Repository["forge"],
});

/** A clone of a branch on which each commit is older than the next letter's, and which does not have the lost one. */
const git = {
  commit: async (name: string) => (name === LOST ? undefined : name),
  isAncestor: async (older: string, newer: string) => older <= newer,
};
const between = (record: Repository, from: string, to: string, admins: readonly AdminAccount[] = []) =>
  activityBetween(record, git, { branch: "master", from, to }, admins);

test("every push between two commits is named by its login, over as many pages as it takes", async () => {
  const record = recordOf(
    [push("wizard", C, D), push("emo", A, B, "refs/heads/topic")],
    [push("emo", B, C), push("anca", A, B)],
  );
  expect((await between(record, A, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: "emo", from: B, to: C },
    { pusher: "anca", from: A, to: B },
  ]);
});

test("a push that the record does not show is by nobody known, and an admin's on top does not hide it", async () => {
  const record = recordOf([push("wizard", C, D), push("anca", A, B)]);
  expect((await between(record, A, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: undefined, from: A, to: C },
  ]);
});

test("a commit inside a push is where that push begins to count, once that commit is deployed", async () => {
  const record = recordOf([push("wizard", C, D), push("emo", A, C)]);
  expect((await between(record, B, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: "emo", from: B, to: C },
  ]);
});

test("what a forced push took back and an admin's push brings again is by nobody known", async () => {
  // The record shows that emo pushed C onto A and took it back by force; the admin had pulled it meanwhile.
  const record = recordOf([push("wizard", A, D), push("emo", C, A), push("emo", A, C)]);
  expect((await between(record, A, D)).pushes).toEqual([{ pusher: undefined, account: "wizard", from: A, to: D }]);
  // Their own may come and go.
  const own = recordOf([push("wizard", A, D), push("wizard", C, A), push("wizard", A, C)]);
  expect((await between(own, A, D)).pushes).toEqual([{ pusher: "wizard", from: A, to: D }]);
  // What is deployed already was decided when it was deployed.
  const deployed = recordOf([push("wizard", C, D), push("emo", A, B)]);
  expect((await between(deployed, C, D)).pushes).toEqual([{ pusher: "wizard", from: C, to: D }]);
});

test("a push onto a commit that a rewritten branch lost is by nobody known, as is all before it", async () => {
  const record = recordOf([push("wizard", C, D), push("emo", LOST, C), push("emo", A, LOST)]);
  expect((await between(record, A, D)).pushes).toEqual([
    { pusher: "wizard", from: C, to: D },
    { pusher: undefined, from: A, to: C },
  ]);
});

test("the forge's own accounts, such as that of deleted people and of workflows, identify nobody", async () => {
  const record = recordOf([push("Ghost", B, C, MASTER, -1), push("gitea-actions", A, B, MASTER, -2)]);
  expect((await between(record, A, C)).pushes.map(({ pusher }) => pusher)).toEqual([undefined, undefined]);
});

test("a push to another branch, or one whose end is not its head, stands for nothing", async () => {
  const forged = {
    ...push("wizard", A, B),
    content: JSON.stringify({ HeadCommit: { Sha1: B }, CompareURL: `x/${A}...${C}` }),
  };
  const record = recordOf([push("wizard", A, B, "refs/heads/topic"), forged]);
  expect((await between(record, A, B)).pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
});

/** The present tag's entry, or undefined. The entries are written in this order; the record has the newest first. */
const tagOf = async (...entries: readonly ((name: string) => object)[]) => {
  const written = entries.map((entry) => entry("confirm/x"));
  const { tags } = await between(recordOf([...written.toReversed(), push("emo", A, B)]), A, B);
  return tags.get("refs/tags/confirm/x");
};

test("only the newest entry of a tag says who pushed it: nobody revives a confirmation that was taken back", async () => {
  const [byWizard, byEmo] = [(name: string) => tag("wizard", name), (name: string) => tag("emo", name)];
  const deleted = (name: string) => deletedTag("wizard", name);
  expect(await tagOf(byEmo, byWizard)).toEqual({ pusher: "wizard", object: OBJECT });
  expect(await tagOf(byWizard, deleted, byEmo)).toEqual({ pusher: "emo", object: OBJECT });
  expect(await tagOf(byWizard, deleted)).toBeUndefined();
  expect(await tagOf(byWizard, (name) => tag("ops", name))).toBeUndefined();
});

test("entries of one second count in the order of their ids", async () => {
  const [first, second] = [tag("wizard", "confirm/x"), deletedTag("wizard", "confirm/x")];
  const { tags } = await between(recordOf([first, second, push("emo", A, B)]), A, B);
  expect(tags.size).toBe(0);
});

test("a tag that the forge made for a moved release confirms nothing, whether releases are on or have been switched off since", async () => {
  expect(await tagOf((name) => tag("wizard", name, undefined, B))).toBeUndefined();
});

test("a push or a tag in the name of the repository's owner, as a deploy key's is, identifies nobody", async () => {
  const record = recordOf([tag("Ops", "confirm/x"), tag("wizard", "confirm/y"), push("ops", B, C), push("OPS", A, B)]);
  const { pushes, tags } = await between(record, A, C);
  expect(pushes.map(({ pusher }) => pusher)).toEqual([undefined, undefined]);
  expect([...tags]).toEqual([["refs/tags/confirm/y", { pusher: "wizard", object: OBJECT }]]);
});

test("a scheduled merge identifies nobody: its branch may have changed after an admin scheduled it", async () => {
  const merge = (login: string, created: string) => ({
    ...{ id: ++id, op_type: "auto_merge_pull_request", ref_name: "", act_user: { login }, created },
    content: "7|Add a person",
  });
  const record = recordOf(
    [push("wizard", B, C)],
    [merge("Wizard", "2026-11-22T12:15:00+01:00"), push("anca", A, B), merge("anca", "2026-11-22T10:00:00Z")],
  );
  expect((await between(record, A, C)).pushes.map(({ pusher }) => pusher)).toEqual([undefined, "anca"]);
});

/** Pages of 50 entries, each of a comment that takes the given milliseconds longer ago. */
const comments = (pages: number, spacingMs: number) =>
  Array.from({ length: pages }, (_page, page) =>
    Array.from({ length: 50 }, (_entry, index) => ({
      ...{ ...push("emo", A, B), op_type: "comment_issue", content: "7|x" },
      created: new Date(Date.parse("2026-11-22T12:00:00Z") - (page * 50 + index) * spacingMs).toISOString(),
    })),
  );

test("a scheduled merge is found behind any number of entries, and counts as one where the record is not read that far", async () => {
  const merge = {
    ...{ ...push("wizard", A, B), op_type: "auto_merge_pull_request", ref_name: "", content: "7|Add a person" },
    created: "2026-11-22T11:55:00Z",
  };
  const pusherBehind = async (pages: readonly object[][]) =>
    (await between(recordOf([push("wizard", A, B)], ...pages), A, B)).pushes[0]?.pusher;
  expect(await pusherBehind([...comments(3, 1_000), [merge]])).toBeUndefined();
  expect(await pusherBehind(comments(3, 1_000))).toBe("wizard");
  expect(await pusherBehind(comments(50, 1))).toBeUndefined();
});

test("a push that follows a commit which nobody has any more is nobody's, also where an older page has one to the same commit", async () => {
  const record = recordOf([push("anca", C, D), push("emo", LOST, C)], [push("wizard", A, C)]);
  expect((await between(record, A, D)).pushes.map(({ pusher }) => pusher)).toEqual(["anca", undefined]);
});

test("an entry that is cut off identifies nobody and stops nothing", async () => {
  const cutOff = { ...tag("wizard", "confirm/x"), content: '{"HeadCommit":' };
  const { pushes, tags } = await between(recordOf([cutOff, push("wizard", A, B)]), A, B);
  expect([pushes.map(({ pusher }) => pusher), [...tags]]).toEqual([["wizard"], []]);
});

test("a record without an end is read so far and no further", async () => {
  let pages = 0;
  const endless = {
    ...recordOf(),
    forge: {
      ask: async () => [push("emo", hash("e"), hash(String(++pages % 10)))],
    },
  };
  const { pushes } = await between(endless as unknown as Repository, A, B);
  expect(pushes).toEqual([{ pusher: undefined, from: A, to: B }]);
  expect(pages).toBeLessThanOrEqual(40);
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
    const found = await between(record, A, B, ADMINS);
    expect(found.pushes).toEqual([{ pusher: undefined, account: name, from: A, to: B }]);
    expect([found.pushes.map(pusherName), found.tags.size]).toEqual([[name], 0]);
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
  const { pushes, tags, notices } = await between(record, A, D, ADMINS);
  expect(pushes.map(({ pusher }) => pusher)).toEqual(["wizard2", "WIZARD", "ebarzin"]);
  expect(tags.get("refs/tags/confirm/x")?.pusher).toBe("wizard2");
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
  const { pushes, notices } = await between(record, A, B, admins);
  expect([pushes, notices]).toEqual([[{ pusher: "wizard", from: A, to: B }], []]);
});
