/** Tests that an address or a namespace that passes to somebody else leaves its former holder nothing in Vault, whichever run fails. */

import { afterEach, beforeEach, expect, test } from "vitest";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Derivation } from "../../../roster/derive/derive.ts";
import { type Surface, type Undelivered, withoutSurface } from "../../../roster/undelivered-changes.ts";
import { desiredResources } from "../../../stacks/offline/desired-resources.ts";
import { settings } from "../../config/raw-config.ts";
import type { Kept } from "../../e2e/fixtures/resource-lifecycle.ts";
import { derived, rosterOf, row, SURFACES } from "../../roster/support.ts";
import { fakeIdentities, type FakeIdentities } from "./fake-identities.ts";

const STACK = settings({ vault: { address: "https://vault.test" } });
const PERSON = "vaultpeople:index:Person";

let vault: FakeIdentities;
let kept: Map<string, Kept>;
/** What each identity's last turn did, by its resource's name. */
let did: Map<string, string>;
beforeEach(async () => {
  vault = await fakeIdentities();
  kept = new Map();
});
afterEach(() => vault.end());

interface Run {
  readonly text: string;
  /** The surfaces on which it is complete; Vault is delivered where it is among them. */
  readonly complete?: readonly Surface[];
}

/** Decides as a run does and delivers identities and roles of pipelines in the order in which they are declared. */
async function deploy({ text, complete = SURFACES }: Run, before?: Derivation): Promise<Derivation> {
  const past = before === undefined ? {} : { ledger: before.desired.ledger, undelivered: before.undelivered };
  const result = derived(text, past);
  did = new Map();
  for (const { type, name, inputs } of complete.includes("Vault")
    ? await desiredResources(STACK, result.desired)
    : []) {
    if (type === PERSON) {
      const { did: what, kept: now } = await vault.provider.up(PERSON, inputs as PropertyMap, kept.get(name));
      kept.set(name, now);
      did.set(name, what);
    } else if (type.endsWith(":AuthBackendRole"))
      vault.roles.set(String(inputs.roleName), inputs.tokenPolicies as readonly string[]);
  }
  return { ...result, undelivered: complete.reduce<Undelivered>(withoutSurface, result.undelivered) };
}

const ADA = row("ada", "email: ada@x.org", "admin");
const walker = (email: string) => row("walker", `email: ${email}`);
const owner = (name: string, namespaces: string, email = `${name}@x.org`) =>
  row(name, `email: ${email}\nnamespaces: [${namespaces}]`, "namespace-owner");
const WITHOUT_VAULT: readonly Surface[] = ["forge", "cluster"];

const start = rosterOf(ADA, walker("w@x.org"));
const moved = rosterOf(ADA, walker("w2@x.org"));
const given = rosterOf(ADA, walker("w2@x.org"), owner("bob", "bobs", "W@x.org"));

test.each([
  ["in one run", [{ text: given }]],
  ["by the retry of a run that failed before Vault", [{ text: given, complete: WITHOUT_VAULT }, { text: given }]],
  ["one deployment later", [{ text: moved }, { text: given }]],
  ["one deployment after one that failed before Vault", [{ text: moved, complete: WITHOUT_VAULT }, { text: given }]],
  ["after its former holder has left", [{ text: moved }, { text: rosterOf(ADA) }, { text: given }]],
  ["after its former holder has come back to it", [{ text: moved }, { text: start }, { text: moved }, { text: given }]],
] satisfies [string, Run[]][])(
  "a session by an address that was given on %s gets nothing of its next holder's",
  async (_, runs) => {
    let last = await deploy({ text: start });
    const former = vault.signIn("w@x.org");
    for (const run of runs) last = await deploy(run, last);
    expect([former(), vault.signIn("w@x.org")()]).toEqual([[], ["namespace-owner-bob"]]);
    await deploy({ text: given }, last);
    expect([...did.values()]).toEqual(["same", "same", "same"]);
  },
);

test("whoever signed in by an address that was nobody else's keeps the session", async () => {
  const own = vault.signIn("bob@x.org");
  await deploy({ text: rosterOf(ADA, owner("bob", "bobs")) });
  expect(own()).toEqual(["namespace-owner-bob"]);
});

test("an address passes on in the run that offboards its former holder, whom Vault still knows by it", async () => {
  const zoe = (email: string) => owner("zoe", "zoes", email);
  const before = await deploy({ text: rosterOf(ADA, zoe("z@x.org")) });
  const former = vault.signIn("z@x.org");
  const unreached = await deploy({ text: rosterOf(ADA, zoe("z2@x.org")), complete: WITHOUT_VAULT }, before);
  const { desired } = derived(rosterOf(ADA, owner("bob", "bobs", "z@x.org")), {
    ledger: unreached.desired.ledger,
    undelivered: unreached.undelivered,
  });
  const people = (await desiredResources(STACK, desired)).filter(({ type }) => type === PERSON);
  // As the engine, which works on both at a time.
  await Promise.all(people.map(({ name, inputs }) => vault.provider.up(PERSON, inputs as PropertyMap, kept.get(name))));
  expect([former(), vault.signIn("z@x.org")()]).toEqual(["disabled", ["namespace-owner-bob"]]);
});

const shared = rosterOf(ADA, owner("zoe", "alpha, zoes"), owner("bob", "bobs"));
const passed = rosterOf(ADA, owner("zoe", "zoes"), owner("bob", "alpha, bobs"));
const swapped = rosterOf(ADA, owner("zoe", "bobs, zoes"), owner("bob", "alpha"));
const retired = rosterOf(ADA, owner("bob", "alpha, bobs"));

test.each([
  ["in one run", [{ text: passed }]],
  ["by the retry of a run that failed before Vault", [{ text: passed, complete: WITHOUT_VAULT }, { text: passed }]],
  ["by a swap", [{ text: swapped }]],
  ["by a leave", [{ text: retired }]],
  ["by a leave that failed before Vault", [{ text: retired, complete: WITHOUT_VAULT }, { text: retired }]],
] satisfies [string, Run[]][])(
  "a namespace that was handed over %s leaves no token with the former owner's policy, and the role to the next",
  async (_, runs) => {
    let last = await deploy({ text: shared });
    const [former, other] = [vault.deploy("alpha-deployer"), vault.deploy("zoes-deployer")];
    for (const run of runs) last = await deploy(run, last);
    expect([vault.pipelineTokens().includes(former), vault.roles.get("alpha-deployer")]).toEqual([
      false,
      ["namespace-owner-bob"],
    ]);
    // What is not part of the hand-over stays: the owner's own namespace, and the next owner's tokens.
    expect(vault.pipelineTokens().includes(other)).toBe(last.desired.people.size === 3);
    const next = vault.deploy("alpha-deployer");
    await deploy(runs.at(-1) ?? { text: passed }, last);
    expect([...did.values()]).toEqual(["same", "same", "same"]);
    expect([vault.pipelineTokens().includes(next), vault.roles.get("alpha-deployer")]).toEqual([
      true,
      ["namespace-owner-bob"],
    ]);
  },
);

test("a namespace that goes back and forth leaves each of its owners nothing, each time", async () => {
  let last = await deploy({ text: shared });
  for (const text of [passed, shared, passed, shared]) {
    const former = vault.deploy("alpha-deployer");
    last = await deploy({ text }, last);
    expect(vault.pipelineTokens()).not.toContain(former);
  }
});

test("the former owner's identity takes the role, and the next owner's is written after it, also where two swap", async () => {
  const before = await deploy({ text: shared });
  const { desired } = derived(swapped, { ledger: before.desired.ledger });
  const resources = await desiredResources(STACK, desired);
  const at = (wanted: string) => resources.findIndex(({ name }) => name === wanted);
  expect([at("vault-bob@alpha") > at("vault-zoe"), at("vault-zoe@bobs") > at("vault-bob")]).toEqual([true, true]);
  // No pipeline gets a token of the former owner's in between.
  for (const { type, name, inputs } of resources)
    if (type === PERSON) await vault.provider.up(PERSON, inputs as PropertyMap, kept.get(name));
  expect([...vault.roles.keys()]).toEqual(["zoes-deployer"]);
});
