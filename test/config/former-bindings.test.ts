/** Tests in which namespaces a run empties bindings of an earlier version. */

import { expect, test } from "vitest";
import { formerBindingNamespaces } from "../../config/former-bindings.ts";
import { writeLedger } from "../../roster/ledger.ts";
import { derived, rosterOf, row } from "../roster/support.ts";
import { rawOf, settings } from "./raw-config.ts";

const cluster = JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object;
const STACK = settings({ cluster });
const owner = (name: string, namespaces: string) =>
  row(name, `email: ${name}@x.org\nnamespaces: [${namespaces}]`, "namespace-owner");
const ADA = row("ada", "", "admin");
const first = derived(rosterOf(ADA, owner("bob", "stem, lab"), owner("cleo", "shop")));
const ledger = writeLedger(
  derived(rosterOf(ADA, owner("bob", "stem")), { ledger: first.desired.ledger }).desired.ledger,
);

test("after a run of a version that did not list them, they are those of everybody in the ledger, offboarded users included", async () => {
  expect(await formerBindingNamespaces(STACK, { ledger })).toEqual(["lab", "shop", "stem"]);
});

test("later they are those that the last run has not emptied", async () => {
  expect(await formerBindingNamespaces(STACK, { ledger, formerBindings: ["shop"] })).toEqual(["shop"]);
  expect(await formerBindingNamespaces(STACK, { ledger, formerBindings: [] })).toEqual([]);
});

test("a stack that never ran, and one without a cluster, have none", async () => {
  expect(await formerBindingNamespaces(STACK, { ledger: undefined })).toEqual([]);
  expect(await formerBindingNamespaces(settings({}), { ledger })).toEqual([]);
});
