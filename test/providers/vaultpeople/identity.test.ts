/** Tests one person's identity in Vault: addresses in another case, and what the end of the resource takes away. */

import { afterEach, beforeEach, expect, test } from "vitest";
import { fakeIdentities, type FakeIdentities } from "./fake-identities.ts";

const PERSON = "vaultpeople:index:Person";

let vault: FakeIdentities;
beforeEach(async () => {
  vault = await fakeIdentities();
});
afterEach(() => vault.end());

const owner = (alias: string) => ({
  ...{
    name: "namespace-owner-ann",
    formerName: null,
    state: "present",
    alias,
    isReassignedAlias: false,
    mount: "oidc",
  },
  ...{ policies: ["namespace-owner-ann"], marks: ["namespace-owner-ann", "workstation-claude-ann"] },
  ...{ kubernetesMount: "kubernetes", roles: ["anns-deployer"], lostRoles: [], handedOverRoles: [] },
});

test("an address in another case than somebody signed in by is the same address", async () => {
  const { kept } = await vault.provider.up(PERSON, owner("old@x.org"));
  const session = vault.signIn("ann.new@x.org");
  const moved = await vault.provider.up(PERSON, owner("Ann.New@x.org"), kept);
  expect(vault.signIn("ann.new@x.org")()).toEqual(["namespace-owner-ann"]);
  expect(vault.signIn("old@x.org")()).toEqual([]);
  // The sign-in of before led to an entity of its own, which has no address now.
  expect(session()).toEqual([]);
  await vault.provider.up(PERSON, owner("ann.new@x.org"), moved.kept);
  expect(vault.signIn("ANN.new@x.org")()).toEqual(["namespace-owner-ann"]);
});

test("the end of the resource of somebody present disables their entity and revokes their tokens, and no role of the next owner", async () => {
  const { kept } = await vault.provider.up(PERSON, owner("ann@x.org"));
  const session = vault.signIn("ann@x.org");
  vault.roles.set("anns-deployer", ["namespace-owner-ann"]);
  const own = vault.deploy("anns-deployer");
  vault.roles.set("anns-deployer", ["namespace-owner-bob"]);
  const next = vault.deploy("anns-deployer");
  await vault.provider.delete(kept);
  expect([session(), vault.pipelineTokens().includes(own)]).toEqual(["disabled", false]);
  expect([vault.roles.get("anns-deployer"), vault.pipelineTokens().includes(next)]).toEqual([
    ["namespace-owner-bob"],
    true,
  ]);
  await vault.provider.up(PERSON, owner("ann@x.org"));
  expect(vault.signIn("ann@x.org")()).toEqual(["namespace-owner-ann"]);
});

test("the end of the resource leaves an entity of another program enabled, without what was given to it", async () => {
  const foreign = vault.signIn("ann@x.org");
  const { kept } = await vault.provider.up(PERSON, { ...owner("ann@x.org"), policies: [] });
  await vault.provider.delete(kept);
  expect(foreign()).toEqual([]);
});
