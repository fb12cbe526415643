/** The emulated Kubernetes plugin makes fields its own before an update exactly as the official one does. */

import { expect, test } from "vitest";
import { absorbed, isForcedInPreview } from "../../../lab/plugins/kubernetes/absorb-fields.ts";

const OWN = "pulumi-kubernetes-1234abcd";
const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}) => ({
  ...{ manager, operation, apiVersion: "v1", fieldsV1: fieldsV1 as never },
  ...more,
});
const live = (...managedFields: readonly object[]) => ({ metadata: { managedFields: managedFields as never } });

test.each([
  ["kubectl-create", "Update"],
  ["kubectl-client-side-apply", "Update"],
  ["kubectl", "Apply"],
  ["before-first-apply", "Update"],
  ["pulumi-kubernetes", "Update"],
  ["pulumi-resource-kubernetes", "Update"],
])("takes the fields of %s (%s), beside those that it has", (manager, operation) => {
  const found = absorbed(live(entry(OWN, "Apply", { "f:a": {} }), entry(manager, operation, { "f:b": {} })), OWN);
  expect(found).toEqual([entry(OWN, "Apply", { "f:a": {}, "f:b": {} })]);
});

test.each([
  ["helm", "Update", {}],
  ["pulumi-kubernetes-99999999", "Apply", {}],
  ["kubectl-edit", "Update", { subresource: "status" }],
])("leaves the fields of %s (%s)", (manager, operation, more) => {
  expect(absorbed(live(entry(manager, operation, { "f:b": {} }, more)), OWN)).toBeUndefined();
});

test("a dry run is forced where the plugin created the object, and nowhere else", () => {
  expect(isForcedInPreview(live(entry("pulumi-kubernetes", "Update", {})))).toBe(true);
  expect(isForcedInPreview(live(entry("kubectl-create", "Update", {})))).toBe(false);
});
