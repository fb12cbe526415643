/** Tests in which order the cluster's rights change when a namespace passes from one person to another. */

import { expect, test } from "vitest";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const cluster = JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object;
const STACK = settings({ cluster });
const owner = (name: string, namespaces: string) =>
  row(name, `email: ${name}@x.org\nnamespaces: [${namespaces}]`, "namespace-owner");
const ADA = row("ada", "", "admin");

/** The order in which bindings are declared, as the engine would work on them: each after what it depends on. */
async function bindingsAfter(before: readonly string[], after: readonly string[]): Promise<readonly string[]> {
  const first = derived(rosterOf(ADA, ...before));
  const { desired } = derived(rosterOf(ADA, ...after), { ledger: first.desired.ledger });
  const all = await desiredResources(STACK, desired);
  return all.filter(({ type }) => type.endsWith(":RoleBinding")).map(({ name }) => name);
}

const NEXT = ["tenant-n1-owner", "tenant-n1-pipelines"];

test.each([
  ["the first namespace", [owner("zoe", "n2, n3"), owner("abe", "n1, abes")], ["n2", "n3"]],
  ["the first namespace of somebody offboarded", [owner("abe", "n1, abes")], ["n2", "n3"]],
  ["each namespace to somebody else", [owner("abe", "n1"), owner("abi", "n3"), owner("zia", "n2")], ["n2", "n3"]],
  ["the first namespace in a swap", [owner("zoe", "abes, n2, n3"), owner("abe", "n1")], ["n2", "n3"]],
])("%s is its next owner's after the former owner's others admit no account of it", async (_, after, others) => {
  const order = await bindingsAfter([owner("zoe", "n1, n2, n3"), owner("abe", "abes"), owner("abi", "abis")], after);
  const at = (name: string) => {
    expect(order).toContain(name);
    return order.indexOf(name);
  };
  const dropped = Math.max(...others.map((name) => at(`tenant-${name}-owner`)));
  for (const binding of NEXT) expect(at(binding)).toBeGreaterThan(dropped);
});

test("namespaces of more people than are declared at a time all change hands", async () => {
  const people = Array.from({ length: 70 }, (_, i) => i);
  const before = people.map((i) => owner(`u${i}`, `a${i}, b${i}`));
  const after = people.map((i) => owner(`u${i}`, `a${(i + 1) % 70}, b${i}`));
  const order = await bindingsAfter(before, after);
  for (const i of people)
    expect(order.indexOf(`tenant-a${i}-owner`)).toBeGreaterThan(order.indexOf(`tenant-b${i}-owner`));
});
