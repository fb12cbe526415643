/** What the program would declare can be worked out several times in one process, and no run sees another one's resources. */

import { expect, test } from "vitest";
import { desiredResources } from "../../../stacks/offline/desired-resources.ts";
import { recordResources } from "../../../stacks/offline/record-resources.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";
import { rawOf, settings } from "../../config/raw-config.ts";

const sectionOf = (name: string) => JSON.parse(rawOf("Pulumi.prod.yaml")[`workstation:${name}`] ?? "") as object;
const STACK = settings({
  ...{ cluster: sectionOf("cluster"), vault: { address: "https://vault.test" }, forgejo: { username: "ops" } },
});

const owner = (name: string) => row(name, `email: ${name}@books.example\nnamespaces: [${name}s]`, "namespace-owner");
const named = async (people: readonly string[], stack = "import") => {
  const { desired } = derived(rosterOf(row("ada", "email: ada@books.example", "admin"), ...people.map(owner)));
  const all = await desiredResources(STACK, desired, { stack, declare: async () => undefined });
  return all.map(({ type, name }) => `${type} ${name}`);
};

test("two commands in one process each get their own people's resources", async () => {
  const first = await named(["bob"]);
  expect(first).toContain("kubernetes:core/v1:Namespace tenant-bobs");
  const second = await named(["cleo"]);
  expect(second).toContain("kubernetes:core/v1:Namespace tenant-cleos");
  expect(second.filter((name) => name.includes("bob"))).toEqual([]);
  expect(await named(["bob"])).toEqual(first);
});

test("commands that are under way at the same time take turns", async () => {
  const [bobs, cleos] = await Promise.all([named(["bob"]), named(["cleo"])]);
  expect(bobs).toEqual(await named(["bob"]));
  expect(cleos).toEqual(await named(["cleo"]));
});

test("a program that fails leaves nothing behind for the next one", async () => {
  const before = await named(["bob"]);
  const failing = recordResources({ stack: "import", answer: {} }, async () => {
    throw new Error("the roster is wrong");
  });
  await expect(failing).rejects.toThrow("the roster is wrong");
  expect(await named(["bob"])).toEqual(before);
});
