/** Tests how many resources one person costs: the time of a run grows with them (docs/benchmarks.md). */

import { expect, test } from "vitest";
import { desiredResources } from "../../stacks/offline/desired-resources.ts";
import { hostsOf } from "../../stacks/offline/host-resources.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const cluster = JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object;
const STACK = settings({ cluster: { ...cluster, plantedRights: "report" } });

/** Components included, as in a stack's state. */
async function resourcesOf(...people: readonly string[]): Promise<number> {
  const { desired } = derived(rosterOf(row("ada", "", "admin"), ...people));
  const all = await desiredResources(STACK, desired, { stack: "test", declare: await hostsOf(STACK, desired) });
  return all.length;
}

test.each([
  ["a power-user", row("bob", "email: bob@x.org"), 4],
  ["an owner of one namespace", row("bob", "email: bob@x.org\nnamespaces: [shop]", "namespace-owner"), 13],
  ["an owner of two", row("bob", "email: bob@x.org\nnamespaces: [shop, lab]", "namespace-owner"), 22],
])("%s is so many resources", async (_who, person, expected) => {
  expect((await resourcesOf(person)) - (await resourcesOf())).toBe(expected);
});
