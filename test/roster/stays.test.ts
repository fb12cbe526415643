/** Tests that the plan names what stays although the new row suggests otherwise. */

import { expect, test } from "vitest";
import { derived, rosterOf, row } from "./support.ts";

const ada = row("ada", "", "admin");
const bob = (more: string, tier?: string) => rosterOf(ada, row("zoe", "", "admin"), row("bob", more, tier));
const planOf = (before: string, after: string) =>
  derived(after, { ledger: derived(before).desired.ledger }).plan.join("\n");
const login = "forgejo: {login: Bob, push: true}";

test.each([
  [
    "a higher tier",
    bob(""),
    bob("", "admin"),
    "keeps the clones as they are, locked: an admin's tree is never touched",
  ],
  ["a lower tier", bob("", "admin"), bob(""), "keeps the clones that are there as they are, unlocked ones included"],
  [
    "a push that is lost",
    bob(login),
    bob("forgejo: {login: Bob}"),
    "loses direct push to the protected branch; keeps write access to the other branches of infra",
  ],
  [
    "a tier by which they pushed",
    bob("forgejo: {login: Bob}", "admin"),
    bob("forgejo: {login: Bob}"),
    "keeps write access to the other branches of infra",
  ],
  [
    "a login that is gone from the row",
    bob(login),
    bob(""),
    "keeps the forge account Bob with its own tokens, keys and repositories",
  ],
  [
    "another k8s_user",
    bob(""),
    bob("").replace("k8s_user: bob", "k8s_user: rob"),
    "keeps the secrets in Vault below bob, from where an admin moves them",
  ],
  [
    "another layout",
    bob("code_layout: workspace\nrepos: [tripit]"),
    bob(""),
    "has the layout single instead of workspace; the clones of the former layout stay where they are; keeps the clone of tripit",
  ],
  [
    "a smaller quota",
    bob("namespaces: [shop]", "namespace-owner"),
    bob('namespaces: [shop]\nquota: {pods: "5"}', "namespace-owner"),
    "has the quota pods changed from 20 to 5; what runs above it stays",
  ],
  ["another e-mail", bob("email: bob@x.org"), bob("email: rob@x.org"), "keeps git's user.email as it is"],
  ["a switch that is off", bob(""), bob("claude_auth: false"), "credentials switched off; what was synced stays"],
  [
    "a leave",
    bob(login),
    rosterOf(ada, row("zoe", "", "admin")),
    "groups that they got by hand, the secrets in Vault of bob, the forge account Bob with its own tokens, keys and repositories",
  ],
])("the plan of %s says what stays", (_what, before, after, expected) => {
  expect(planOf(before, after)).toContain(expected);
});

test.each([
  ["a tier that pushes", bob("forgejo: {login: Bob}"), bob("forgejo: {login: Bob}", "admin"), /gets .*direct push/],
  ["a lower tier", bob("forgejo: {login: Bob}", "admin"), bob("forgejo: {login: Bob}"), /loses .*direct push/],
  ["an admin's login", bob("", "admin"), bob("forgejo: {login: Bob}", "admin"), /gets .*direct push/],
  ["no row before", rosterOf(ada), bob("forgejo: {login: Bob}", "admin"), /pushes to the protected branch as Bob/],
])("the plan of %s says that the push to the protected branch changes", (_what, before, after, expected) => {
  expect(planOf(before, after)).toMatch(expected);
});

test("the plan does not speak of the push where the higher tier has it anyway", () => {
  expect(planOf(bob(login), bob("forgejo: {login: Bob}", "admin"))).not.toContain("push");
});

test("the plan of a rename with a lower tier says that the loss does not wait for the rename", () => {
  const renamed = (tier: string) => bob("previously: {os_user: bob}", tier).replace("  bob:", "  rob:");
  const lost = "it waits while bob is at work there, but what this change takes from them does not wait;";
  expect(planOf(bob("", "admin"), renamed("power-user"))).toContain(lost);
  expect(planOf(bob(""), renamed("power-user"))).toContain("it waits while bob is at work there; keeps git's");
});

test("the plan says that an account which is taken over keeps its home's mode, when it comes and when it leaves", () => {
  const keeps = { adoptExisting: ["bob"] };
  const closes = { ...keeps, closeAdoptedHomes: true };
  const team = derived(rosterOf(ada, row("zoe", "", "admin"))).desired.ledger;
  const joins = (stack: object) => derived(bob(""), { ledger: team, stack }).plan.join();
  expect(joins(keeps)).toContain(
    "takes over an account of that name that exists, whose home keeps its mode, also where others may enter it; its shell, its files and its groups stay",
  );
  expect(joins(closes)).toContain("takes over an account of that name that exists, whose home is closed to others;");
  expect(joins({})).not.toContain("takes over");
  const { ledger } = derived(bob("")).desired;
  const leaves = (stack: object) => derived(rosterOf(ada, row("zoe", "", "admin")), { ledger, stack }).plan.join();
  expect(leaves(keeps)).toContain("and the mode of the home that was taken over.");
  expect(leaves(closes)).not.toContain("mode");
});

test("a stack with hosts alone hears of no other surface but where a right comes with it", () => {
  const surfaces = ["host devvm"] as const;
  const before = bob(`${login}\nnamespaces: [shop]\nemail: bob@x.org\nquota: {pods: 5}`, "namespace-owner");
  const renamed = "previously: {k8s_user: bob}";
  const texts = [
    before,
    bob(`${login}\nnamespaces: [depot]\nemail: bob@x.org`, "namespace-owner"),
    bob(`${renamed}\nforgejo: {login: Rob}\nnamespaces: [depot]`, "namespace-owner").replace(
      "k8s_user: bob\n    tier",
      "k8s_user: rob\n    tier",
    ),
    bob("", "admin"),
    rosterOf(ada, row("zoe", "", "admin")),
    before,
  ];
  let { ledger } = derived(rosterOf(ada), { surfaces }).desired;
  const plans = texts.map((text) => {
    const run = derived(text, { ledger, surfaces });
    ({ ledger } = run.desired);
    return run.plan.join("\n");
  });
  const now = plans.map((plan) =>
    plan.replace(/[^;,]* once the stack has a (forge|cluster)(: what they push deploys)?/g, ""),
  );
  expect(now.filter((plan) => /cluster|Vault|[Ff]orge|namespace(?!-owner)|token|push|quota/.test(plan))).toEqual([]);
  expect(plans[4]).toBe(
    "bob is offboarded. Revoked: units and login on devvm, the groups code-shared, docker and sudo and the terminal and the code server of bob. Kept: account, home and clones (uid 20001), groups that they got by hand and the ports 3774 and 8932.",
  );
});
