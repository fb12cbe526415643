/** Fields that are declared go to the program, and every other field stays with its owner. */

import { expect, test } from "vitest";
import { takeover, takeoverSentences } from "../../../clients/kubernetes/field-ownership.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");
const entry = (manager: string, fieldsV1: object, more: object = {}) => ({
  ...{ manager, operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1", fieldsV1, ...more },
});
const live = (...managedFields: readonly object[]) => ({ metadata: { name: "x", managedFields } });
const OURS = { operation: "Update", apiVersion: "v1", time: "2026-01-02T03:04:05Z", fieldsType: "FieldsV1" };
const LABELS = { "f:metadata": { "f:labels": { ".": {}, "f:team": {}, "f:owner": {} } } };

test("takes the declared fields from their owner and keeps a label that somebody made", () => {
  const found = takeover(
    live(entry("kubectl-create", LABELS)),
    { metadata: { labels: { owner: "anca" } } },
    { now: NOW },
  );
  expect(found.managedFields).toEqual([
    entry("before-workstation-kubectl-create", { "f:metadata": { "f:labels": { ".": {}, "f:team": {} } } }),
    { ...OURS, manager: "pulumi-kubernetes", fieldsV1: { "f:metadata": { "f:labels": { ".": {}, "f:owner": {} } } } },
  ]);
  expect(takeoverSentences("Namespace x", found)).toEqual([
    "Namespace x: metadata.labels.owner: taken over from kubectl-create",
    "Namespace x: metadata.labels.team: kept as kubectl-create set it",
  ]);
});

test.each([
  ["helm", "Update", "helm"],
  ["argocd-controller", "Apply", "argocd-controller"],
  ["Terraform", "Apply", "Terraform"],
  ["kubectl", "Apply", "before-workstation-kubectl"],
  ["kubectl-edit", "Update", "before-workstation-kubectl-edit"],
  ["before-first-apply", "Update", "before-workstation-before-first-apply"],
  ["pulumi-kubernetes-1234abcd", "Apply", "pulumi-kubernetes-1234abcd"],
  ["pulumi-kubernetes-1234abcd", "Update", "before-workstation-pulumi-kubernetes-1234abcd"],
])("what %s (%s) keeps is owned by %s, which no update of the plugin takes over", (manager, operation, name) => {
  const { managedFields = [] } = takeover(
    live(entry(manager, LABELS, { operation })),
    { metadata: { labels: { owner: "anca" } } },
    { now: NOW },
  );
  expect(managedFields.map((one) => (one as { manager: string }).manager)).toEqual([name, "pulumi-kubernetes"]);
});

test("an owner whose fields are all declared owns nothing afterwards, and the object still has an owner", () => {
  const spec = { "f:spec": { "f:hard": { ".": {}, "f:pods": {}, "f:requests.cpu": {} } } };
  const found = takeover(
    live(entry("kubectl-create", spec)),
    { spec: { hard: { pods: "20", "requests.cpu": "4", "requests.memory": "8Gi" } } },
    { now: NOW },
  );
  expect(found.managedFields).toEqual([{ ...OURS, manager: "pulumi-kubernetes", fieldsV1: spec }]);
  expect(found.taken).toEqual([{ owner: "kubectl-create", fields: ["spec.hard.pods", "spec.hard.requests.cpu"] }]);
});

test("finds items of lists by key, even where the server filled a part of it in, by value and by position", () => {
  const ports = {
    'k:{"port":80,"protocol":"TCP"}': { ".": {}, "f:port": {} },
    'k:{"port":81,"protocol":"TCP"}': { ".": {} },
  };
  const set = {
    "f:metadata": { "f:finalizers": { 'v:"ours"': {}, 'v:"theirs"': {} } },
    "f:spec": { "f:ports": ports, "f:rules": { "i:0": { "f:host": {} }, "i:1": { "f:host": {} } } },
  };
  const { taken } = takeover(
    live(entry("helm", set)),
    { metadata: { finalizers: ["ours"] }, spec: { ports: [{ port: 80 }], rules: [{ host: "a" }] } },
    { now: NOW },
  );
  expect(taken).toEqual([
    {
      owner: "helm",
      fields: ['metadata.finalizers["ours"]', 'spec.ports[{"port":80,"protocol":"TCP"}].port', "spec.rules[0].host"],
    },
  ]);
});

test("a list that is owned as a whole is taken as a whole", () => {
  const { taken } = takeover(
    live(entry("Terraform", { "f:subjects": {} })),
    { subjects: [{ kind: "User", name: "anca" }] },
    { now: NOW },
  );
  expect(taken).toEqual([{ owner: "Terraform", fields: ["subjects"] }]);
});

test("leaves the program's own fields, the status and fields that a creation by the plugin left to it", () => {
  const declared = { spec: { hard: { pods: "20" } } };
  const spec = { "f:spec": { "f:hard": { "f:pods": {} } } };
  const marked = { ...spec, "f:metadata": { "f:annotations": { "f:mark": {} } } };
  const found = takeover(
    live(
      entry("pulumi-kubernetes-1234abcd", marked, { operation: "Apply" }),
      entry("pulumi-kubernetes", spec),
      entry("kube-controller-manager", { "f:status": { "f:hard": {} } }, { subresource: "status" }),
    ),
    declared,
    { now: NOW, field: ["f:metadata", "f:annotations", "f:mark"] },
  );
  expect(found).toEqual({ taken: [], kept: [] });
});

test("what an earlier takeover left with its owner is kept beside what the owner wrote since", () => {
  const label = (name: string) => ({ "f:metadata": { "f:labels": { [`f:${name}`]: {} } } });
  const { managedFields } = takeover(
    live(entry("before-workstation-kubectl-label", label("team")), entry("kubectl-label", label("phase"))),
    { metadata: { labels: {} } },
    { now: NOW },
  );
  expect(managedFields).toEqual([
    entry("before-workstation-kubectl-label", { "f:metadata": { "f:labels": { "f:team": {}, "f:phase": {} } } }),
  ]);
});

test("an object without owners is taken as it is", () => {
  expect(takeover({ metadata: { name: "x" } }, { spec: {} }, { now: NOW })).toEqual({ taken: [], kept: [] });
});
