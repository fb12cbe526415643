/** Tests the record of undelivered surfaces against the SDK's mocks: who is taken out of it when, and by which resources. */

import * as pulumi from "@pulumi/pulumi";
import { expect, test, vi } from "vitest";
import { deployHosts } from "../../stacks/devvm.ts";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { surfaceOf, trackSurfaces } from "../../stacks/track-surfaces.ts";
import { loadUndelivered, onSurfaces, type Undelivered } from "../../roster/undelivered-changes.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row, SURFACES, user } from "../roster/support.ts";
import { SITE } from "../components/devvm/sample.ts";

const sectionOf = (name: string) => JSON.parse(rawOf("Pulumi.prod.yaml")[`workstation:${name}`] ?? "") as object;
const STACK = settings({
  ...{ cluster: sectionOf("cluster"), vault: { address: "https://vault.test" }, forgejo: { username: "ops" } },
});
const { desired, undelivered } = derived(rosterOf(row("ada", "email: ada@books.example", "admin")));

test("every resource of the stack belongs to a surface, and a host is complete with its last command", async () => {
  const agent = { path: "dist/agent.mjs", sha256: "1234" };
  const hosts = {
    settings: STACK,
    desired,
    site: SITE,
    agent,
    credentials: new Map(),
    vaultTokens: new Map(),
    cuts: [],
    down: new Set<string>(),
  };
  const declare = () => deployHosts({ ...hosts, declared: () => undefined });
  const all = await desiredResources(STACK, desired, { stack: "test", declare });
  const of = (surface: string | undefined) => all.filter(({ type, name }) => surfaceOf(type, name) === surface);
  for (const surface of ["forge", "cluster", "Vault"]) expect(of(surface)).not.toEqual([]);
  expect(of("host devvm").map(({ name }) => name)).toEqual(["devvm-settle"]);
  const others = of(undefined).map(({ type }) => type);
  expect([...new Set(others.filter((type) => !/^(pulumi|workstation):/.test(type)))].sort()).toEqual([
    "command:remote:Command",
    "command:remote:CopyToRemote",
  ]);
  expect(() => surfaceOf("cloud:index:Bucket", "backup")).toThrow("cloud:index:Bucket backup belongs to no surface");
});

class Declared extends pulumi.CustomResource {}

/** Runs a program that declares one resource of each surface; those of `fails` are never answered, as by the engine. */
async function recordsOf(
  fails: readonly string[],
  record: Undelivered = undelivered,
): Promise<readonly (readonly string[])[]> {
  const records: (readonly string[])[] = [];
  const keep = (text: string): void => {
    const read = loadUndelivered(text, "undelivered");
    if (!read.ok) throw new Error("the record cannot be read");
    records.push([...read.undelivered.keys()]);
  };
  const spy = vi
    .spyOn(pulumi.runtime, "registerResourceOutputs")
    .mockImplementation((_stack, outputs) => keep((outputs as { readonly undelivered: string }).undelivered));
  const mocks: pulumi.runtime.Mocks = {
    call: () => ({}),
    newResource: async ({ name, inputs }) => {
      if (fails.includes(name)) await new Promise(() => undefined);
      return { id: name, state: inputs as object };
    },
  };
  await pulumi.runtime.setMocks(mocks, "workstation", "test", false);
  void pulumi.runtime.runInPulumiStack(async () => {
    const surfaces = trackSurfaces(record, SURFACES, { ledger: "{}" });
    void surfaces.undelivered.then(keep);
    const declare = (type: string, name: string) => new Declared(type, name);
    declare("forgejo:index:Collaborator", "forge-a");
    declare("forgejo:index:Collaborator", "forge-b");
    declare("kubernetes:core/v1:Namespace", "cluster-a");
    declare("vaultpeople:index:Person", "Vault-a");
    declare("command:remote:Command", "ada@devvm-units");
    declare("command:remote:Command", "devvm-settle");
    for (const surface of ["forge", "cluster", "Vault", "host devvm"] as const) surfaces.declared(surface);
    return {};
  });
  const rest = onSurfaces(record, SURFACES).size === record.size ? fails.length : fails.length + 1;
  await vi.waitFor(() => expect(records.at(-1)).toHaveLength(rest), { timeout: 20_000 });
  spy.mockRestore();
  return records;
}

test.each([
  ["forge-b", "forge"],
  ["cluster-a", "cluster"],
  ["Vault-a", "Vault"],
  ["devvm-settle", "host devvm"],
])("where %s fails, the record keeps %s alone", async (resource, surface) => {
  const records = await recordsOf([resource]);
  expect(records[0]).toEqual(["Vault", "cluster", "forge", "host devvm"]);
  expect(records.at(-1)).toEqual([surface]);
});

test("where everything is answered, the program's own outputs say that all is delivered", async () => {
  expect((await recordsOf([])).at(-1)).toEqual([]);
});

test("where the record of a host that is out of the stack is left, the run is complete, and that record stays", async () => {
  const held = new Map([[user("ada"), [{ name: user("ada") }]]]);
  const out: Undelivered = new Map([...undelivered, ["host attic" as const, held] as const]);
  expect((await recordsOf([], out)).at(-1)).toEqual(["host attic"]);
});
