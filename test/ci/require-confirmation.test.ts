import { expect, test } from "vitest";
import { authorize } from "../../ci/push/require-confirmation.ts";
import { adminLogins, type DeploymentContext } from "../../ci/push/deployment-context.ts";
import type { Day, ForgejoLogin, Row, Tier } from "../../roster/model.ts";

const [deployed, commit] = ["a".repeat(40), "b".repeat(40)] as const;

/** One push of a file; git answers as if it were its only commit. */
const situation = (pusher: string | undefined, more: Partial<DeploymentContext> = {}): DeploymentContext => ({
  git: {
    commit: async (name) => name,
    object: async () => TAG,
    isAncestor: async () => true,
    between: async () => [{ hash: commit, parents: [deployed] }],
    allFiles: async () => [],
    changedFiles: async () => ["index.ts"],
    merged: async () => undefined,
    file: async () => undefined,
    subject: async () => "",
    message: async () => "",
  },
  ...{
    stack: "prod",
    deployed,
    commit,
    roster: "roster.yaml",
    readFiles: [],
    admins: ["wizard"],
    nonAdminPushes: "confirm",
    done: false,
  },
  activity: { pushes: [{ pusher, from: deployed, to: commit }], tags: new Map(), notices: [] },
  ...more,
});
const TAG = "e".repeat(40);
const confirmedBy = (pusher: string) => ({
  activity: {
    ...situation("ebarzin").activity,
    tags: new Map([[`refs/tags/confirm/${commit}`, { pusher, object: TAG }]]),
  },
});

const withGit = (at: DeploymentContext, git: Partial<DeploymentContext["git"]>): DeploymentContext => ({
  ...at,
  git: { ...at.git, ...git },
});
const withTag = (object: string | undefined) =>
  withGit(situation("ebarzin", confirmedBy("wizard")), { object: async () => object });
const pageOnly = (at: DeploymentContext) => withGit(at, { changedFiles: async () => ["docs/page.md"] });
/** The first pushed the roster, and the second took that back: nothing differs from what is deployed. */
const contested = (second: string, first: string): DeploymentContext => {
  const between = "d".repeat(40);
  const pushes = [
    { pusher: second, from: between, to: commit },
    { pusher: first, from: deployed, to: between },
  ];
  const at = situation(undefined, { activity: { ...situation("x").activity, pushes } });
  return withGit(at, {
    changedFiles: async (from, to) => (from === deployed && to === commit ? [] : ["roster.yaml"]),
  });
};

test.each([
  ["an admin's push of a program", situation("Wizard"), true],
  ["a non-admin's", situation("ebarzin"), false],
  ["a push by nobody known", situation(undefined), false],
  ["a non-admin's that a non-admin confirms", situation("ebarzin", confirmedBy("ebarzin")), false],
  ["a non-admin's that an admin confirms", situation("ebarzin", confirmedBy("Wizard")), true],
  [
    "a non-admin's where the stack lets announced pushes deploy",
    situation("ebarzin", { nonAdminPushes: "announce" }),
    true,
  ],
  ["a push by nobody known there", situation(undefined, { nonAdminPushes: "announce" }), false],
  ["a commit that is deployed already", situation(undefined, { done: true }), true],
  ["a confirmation whose tag is gone", withTag(undefined), false],
  ["a confirmation whose tag is another object than the admin pushed", withTag("d".repeat(40)), false],
  ["a page pushed by nobody known", pageOnly(situation(undefined)), false],
  ["a page pushed by a non-admin", pageOnly(situation("ebarzin")), true],
  ["a non-admin's roster on top of an admin's", contested("ebarzin", "wizard"), false],
])("authorizes %s: %#", async (_what, given, expected) => {
  expect((await authorize(given)).authorized).toBe(expected);
});

test("a parked admin, one whose last day has passed and one without a login decide nothing", () => {
  const row = (login: string | undefined, more: Partial<Pick<Row, "tier" | "until" | "parked">> = {}) => ({
    ...{ tier: "admin" as Tier, parked: false, ...more },
    ...(login !== undefined && { forgejo: { login: login as ForgejoLogin, push: true } }),
  });
  const rows = [
    ...[row("wizard"), row("last-day", { until: "2026-11-28" as Day }), row("gone", { until: "2026-11-27" as Day })],
    ...[row("resting", { parked: true }), row("user", { tier: "power-user" }), row(undefined)],
  ];
  expect(adminLogins(rows, "2026-11-28" as Day)).toEqual(["wizard", "last-day"]);
});

test("makes the plan where a non-admin's pushes change the roster and take that back", async () => {
  await expect(authorize(contested("ebarzin", "ebarzin"))).rejects.toThrow(`roster.yaml is missing in ${commit}`);
});
