/**
 * Tests that no change of a person takes a right away by a resource that vanishes: the engine deletes last, and not at all
 * once a step has failed, so a host that is down would hold it up.
 */

import { beforeAll, expect, test } from "vitest";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import type { DesiredResource } from "../../stacks/offline/record-resources.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const sectionOf = (name: string) => JSON.parse(rawOf("Pulumi.prod.yaml")[`workstation:${name}`] ?? "") as object;
const STACK = settings({
  ...{
    cluster: sectionOf("cluster"),
    vault: { address: "https://vault.test", workstationTokens: {} },
    forgejo: { username: "ops" },
  },
});

const EMAIL = "email: bob@books.example\n";
const OWNER = `${EMAIL}namespaces: [shop, depot]\nforgejo: {login: bobs, push: true}`;
const admin = row("ada", "email: ada@books.example", "admin");

/** What bob's row becomes; empty where it goes. */
const CHANGES: readonly (readonly [what: string, after: string])[] = [
  ["another e-mail", row("bob", OWNER.replace("bob@", "robert@"), "namespace-owner")],
  ["no e-mail", row("bob", OWNER.replace(EMAIL, ""), "namespace-owner")],
  ["another forge login", row("bob", OWNER.replace("bobs", "robert"), "namespace-owner")],
  [
    "a forge account that its owner renamed",
    row("bob", `${OWNER.replace("bobs", "robert")}\npreviously: {forgejo_login: bobs}`, "namespace-owner"),
  ],
  ["no forge login", row("bob", `${EMAIL}namespaces: [shop, depot]`, "namespace-owner")],
  ["no push", row("bob", OWNER.replace(", push: true", ""), "namespace-owner")],
  ["fewer namespaces", row("bob", OWNER.replace("[shop, depot]", "[depot]"), "namespace-owner")],
  ["other namespaces", row("bob", OWNER.replace("[shop, depot]", "[mill]"), "namespace-owner")],
  [
    "a namespace that somebody else takes",
    row("bob", OWNER.replace("[shop, depot]", "[depot]"), "namespace-owner") +
      row("dora", "email: dora@books.example\nnamespaces: [shop]", "namespace-owner"),
  ],
  ["a tier without namespaces", row("bob", `${EMAIL}forgejo: {login: bobs}`, "power-user")],
  ["the tier admin", row("bob", `${EMAIL}forgejo: {login: bobs}`, "admin")],
  ["a last day that is over", row("bob", `${OWNER}\nuntil: 2026-01-01`, "namespace-owner")],
  ["no row", ""],
];

/** By type: what keeps such a resource from being anybody's right once it is no longer declared. */
const GIVES_NOTHING: Readonly<Record<string, (gone: DesiredResource, after: readonly DesiredResource[]) => boolean>> = {
  // The bindings that name the account are declared without it.
  "kubernetes:core/v1:ServiceAccount": (gone, after) => !bindsAccount(after, gone),
  "kubernetes:core/v1:Secret": (gone, after) => !bindsAccount(after, gone, "-token"),
  // The identity takes the policy off the entity, and the roles that give it away.
  "vault:index/policy:Policy": ({ inputs }, after) =>
    after.every((one) => one.type !== PERSON || !listOf(one.inputs.policies).includes(String(inputs.name))),
  "vault:kubernetes/authBackendRole:AuthBackendRole": ({ inputs }, after) =>
    after.some(({ type, inputs: { state, roles, lostRoles, handedOverRoles } }) => {
      const revoked = [...listOf(lostRoles), ...listOf(handedOverRoles), ...(state === "left" ? listOf(roles) : [])];
      return type === PERSON && revoked.includes(String(inputs.roleName));
    }),
};
const PERSON = "vaultpeople:index:Person";

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);
const bindsAccount = (all: readonly DesiredResource[], { inputs }: DesiredResource, suffix = ""): boolean => {
  const { name, namespace } = inputs.metadata as { readonly name: string; readonly namespace: string };
  const isIt = (subject: Readonly<Record<string, unknown>>) =>
    subject.kind === "ServiceAccount" && subject.namespace === namespace && `${subject.name}${suffix}` === name;
  return all.some(({ inputs: { subjects } }) => Array.isArray(subjects) && subjects.some(isIt));
};

const before = derived(rosterOf(admin, row("bob", OWNER, "namespace-owner"), row("cleo")));
let declaredBefore: readonly DesiredResource[];
beforeAll(async () => {
  declaredBefore = await desiredResources(STACK, before.desired);
});

test.each(CHANGES)("%s: nothing that gives a right vanishes", async (_what, after) => {
  const now = derived(rosterOf(admin, after, row("cleo")), { ledger: before.desired.ledger, today: "2026-02-01" });
  const resources = await desiredResources(STACK, now.desired);
  const declared = new Set(resources.map(keyOf));
  const gone = declaredBefore.filter((one) => !declared.has(keyOf(one)));
  const giving = gone.filter((one) => GIVES_NOTHING[one.type]?.(one, resources) !== true);
  expect(giving.map(keyOf)).toEqual([]);
});

const keyOf = ({ type, name }: DesiredResource) => `${type} ${name}`;
