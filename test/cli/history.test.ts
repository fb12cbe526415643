/** The history of people in a repository of its own: real git, the engine's own form of updates. */

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { deliveriesFrom } from "../../cli/history/find-deployment.ts";
import { entriesFor, sentenceOf } from "../../cli/history/entries.ts";
import { replay } from "../../cli/history/events.ts";
import { historyOf } from "../../cli/history/git.ts";
import { uncommitted } from "../../cli/history/uncommitted.ts";
import { deploymentMessage } from "../../roster/deployment-message.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { workbench } from "./run-ws.ts";

vi.setConfig({ testTimeout: 120_000 });

const bench = workbench({});
const file = join(bench.folder, "roster.yaml");

let day = 0;
const git = (...args: readonly string[]) =>
  execFileSync("git", ["-C", bench.folder, "-c", "user.name=admin", "-c", "user.email=a@b.example", ...args], {
    encoding: "utf8",
    env: { ...process.env, GIT_COMMITTER_DATE: `2026-11-0${day} 08:00 +0000`, GIT_CONFIG_GLOBAL: "/dev/null" },
  }).trim();

function commit(roster: string): string {
  day += 1;
  bench.write("roster.yaml", roster);
  git("add", "roster.yaml");
  git("commit", "--quiet", "--message", `change ${day}\u001b[31m`);
  return git("rev-parse", "HEAD");
}

git("init", "--quiet");
const ada = row("ada", "", "admin");
const emo = (more = "") => row("emo", more);
const [first, second, broken, renamed, latest] = [
  commit(rosterOf(ada, emo())),
  commit(rosterOf(ada, emo("forgejo: { login: emo, push: true }"))),
  commit("users: {emo: {}}\n"),
  commit(
    rosterOf(
      ada,
      row(
        "emil",
        "forgejo: { login: emo, push: true }\npreviously: { os_user: emo, authentik_user: emo, k8s_user: emo }",
      ),
    ),
  ),
  commit(rosterOf(ada)),
];

const update = (of: string, endTime: string, result = "succeeded", environment = {}) => ({
  ...{ kind: "update", message: of, endTime, startTime: endTime, result, environment },
});
const pushed = (of: string, pusher: string, endTime: string, result?: string) =>
  update(deploymentMessage({ commit: of, pusher }), endTime, result, { "git.head": of });
const UPDATES = [
  pushed(latest, "ada", "2026-11-09T10:00:00.000Z", "failed"),
  pushed(renamed, "vbarzin", "2026-11-04T12:03:00.000Z"),
  { ...update("refreshed", "2026-11-03T12:00:00.000Z"), kind: "refresh" },
  update("by hand", "2026-11-01T09:30:00.000Z", "succeeded", { "git.head": first }),
];

async function told(name: string, deployed: boolean) {
  const { changes, parents, textIn } = await historyOf(file);
  const versions = await Promise.all(changes.map(async (made) => ({ commit: made, source: await textIn(made.hash) })));
  const replayed = replay(versions, file, DEFAULT_POLICY);
  const found = entriesFor(name, replayed, deployed ? deliveriesFrom(UPDATES, parents) : undefined);
  return { ...found, passed: replayed.broken.map(({ hash }) => hash) };
}
const short = (hash: string) => hash.slice(0, 12);

test("a person's history says what changed when, by which commit and pusher, and follows them through a rename", async () => {
  const { names, entries, passed } = await told("emo", true);
  expect([names, passed]).toEqual([["emil", "emo"], [broken]]);
  expect(entries?.map((entry) => sentenceOf(entry, true))).toEqual([
    `2026-11-01 emo: joins as power-user on devvm; commit ${short(first)}, deployed by hand 2026-11-01 09:30 UTC`,
    `2026-11-02 emo: gets the Forgejo login emo and direct push to the protected branch: what they push deploys; ` +
      `commit ${short(second)}, pushed by vbarzin, deployed 2026-11-04 12:03 UTC`,
    expect.stringMatching(
      `^2026-11-04 emil: is the new name of emo: .*; commit ${short(renamed)}, pushed by vbarzin, deployed 2026-11-04 12:03 UTC$`,
    ) as string,
    `2026-11-05 emil: is offboarded: all access is revoked, account, home and namespaces are kept; ` +
      `commit ${short(latest)}, pushed by ada, not deployed: the attempt of 2026-11-09 10:00 UTC failed`,
  ]);
  expect((await told("emil", true)).entries).toEqual(entries);
});

describe("what the stack's ledger holds beyond the deployed commits is told:", () => {
  const committed = derived(rosterOf(ada, emo("until: 2026-11-20"), row("cleo")), { today: "2026-11-19" }).desired
    .ledger;
  const after = (text: string, today = "2026-11-22") => derived(text, { ledger: committed, today }).desired.ledger;
  test.each([
    ["a leave", rosterOf(ada, emo("until: 2026-11-20")), "cleo", ["was offboarded on 2026-11-22"]],
    [
      "a last day that was over",
      rosterOf(ada, emo("until: 2026-11-20"), row("cleo")),
      "emo",
      ["was offboarded on 2026-11-22, since the last day of the committed row, 2026-11-20, was over"],
    ],
    ["somebody who joined", rosterOf(ada, row("eve")), "eve", ["joins as power-user on devvm"]],
    [
      "a higher tier",
      rosterOf(ada, row("cleo", "", "admin")),
      "cleo",
      [
        "gets the rights of tier admin (until now power-user)",
        "keeps the clones as they are, locked: an admin's tree is never touched",
      ],
    ],
    ["nothing", rosterOf(ada, row("cleo")), "cleo", []],
  ])("%s", (_what, text, who, expected) => {
    expect(uncommitted([who], committed, after(text))).toEqual(expected);
  });
});

test("a commit's subject cannot steer a terminal", async () => {
  expect((await told("ada", true)).entries?.map(({ subject }) => subject)).toEqual(["change 1 [31m"]);
});

test("without a stack the commits are told and nothing is said of deployments", async () => {
  const { entries } = await told("ada", false);
  expect(entries?.map((entry) => sentenceOf(entry, false))).toEqual([
    `2026-11-01 ada: joins as admin on devvm; commit ${short(first)}`,
  ]);
});

test("a name that nobody ever had has no history, and a file outside any repository is said", async () => {
  expect((await told("zed", false)).entries).toBeUndefined();
  const elsewhere = workbench({ "roster.yaml": rosterOf(ada) });
  await expect(historyOf(join(elsewhere.folder, "roster.yaml"))).rejects.toThrow(
    /its history cannot be read: .*not a git repository/,
  );
});
