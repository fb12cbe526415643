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
  const found = takeover(live(entry("kubectl-create", LABELS)), { metadata: { labels: { owner: "anca" } } }, NOW);
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
    NOW,
  );
  expect(managedFields.map((one) => (one as { manager: string }).manager)).toEqual([name, "pulumi-kubernetes"]);
});

test("an owner whose fields are all declared owns nothing afterwards, and the object still has an owner", () => {
  const spec = { "f:spec": { "f:hard": { ".": {}, "f:pods": {}, "f:requests.cpu": {} } } };
  const found = takeover(
    live(entry("kubectl-create", spec)),
    { spec: { hard: { pods: "20", "requests.cpu": "4", "requests.memory": "8Gi" } } },
    NOW,
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
    NOW,
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
    NOW,
  );
  expect(taken).toEqual([{ owner: "Terraform", fields: ["subjects"] }]);
});

test("takes the fields of another Pulumi program, which the plugin created or applied, and leaves the status", () => {
  const spec = { "f:spec": { "f:hard": { "f:pods": {} } } };
  const forced = { ...spec, "f:metadata": { "f:annotations": { "f:pulumi.com/patchForce": {} } } };
  const status = entry("kube-controller-manager", { "f:status": { "f:hard": {} } }, { subresource: "status" });
  const found = takeover(
    live(entry("pulumi-kubernetes-1234abcd", forced, { operation: "Apply" }), entry("pulumi-kubernetes", spec), status),
    { metadata: { annotations: { "pulumi.com/patchForce": "true" } }, spec: { hard: { pods: "20" } } },
    NOW,
  );
  expect(found.managedFields).toEqual([status, { ...OURS, manager: "pulumi-kubernetes", fieldsV1: forced }]);
  expect(takeoverSentences("ResourceQuota x", found)).toEqual([
    "ResourceQuota x: spec.hard.pods, metadata.annotations.pulumi.com/patchForce: taken over from pulumi-kubernetes-1234abcd",
    "ResourceQuota x: spec.hard.pods: taken over from pulumi-kubernetes",
  ]);
});

test("what an earlier takeover left with its owner is kept beside what the owner wrote since", () => {
  const label = (name: string) => ({ "f:metadata": { "f:labels": { [`f:${name}`]: {} } } });
  const { managedFields } = takeover(
    live(entry("before-workstation-kubectl-label", label("team")), entry("kubectl-label", label("phase"))),
    { metadata: { labels: {} } },
    NOW,
  );
  expect(managedFields).toEqual([
    entry("before-workstation-kubectl-label", { "f:metadata": { "f:labels": { "f:team": {}, "f:phase": {} } } }),
  ]);
});

test("two applies of one manager are one owner to the API server, whatever their versions", () => {
  const label = (name: string) => ({ "f:metadata": { "f:labels": { [`f:${name}`]: {} } } });
  const { managedFields } = takeover(
    live(
      entry("before-workstation-kubectl", label("team"), { operation: "Apply" }),
      entry("kubectl", label("phase"), { operation: "Apply", apiVersion: "v1beta1" }),
    ),
    { metadata: { labels: {} } },
    NOW,
  );
  expect(managedFields).toEqual([
    entry(
      "before-workstation-kubectl",
      { "f:metadata": { "f:labels": { "f:team": {}, "f:phase": {} } } },
      { operation: "Apply" },
    ),
  ]);
});

test("records owners where none are: labels and annotations that are not declared stay, and are named", () => {
  const object = {
    apiVersion: "v1",
    metadata: {
      name: "x",
      labels: { team: "books", owner: "bob", "kubernetes.io/metadata.name": "x" },
      annotations: { note: "n" },
    },
    spec: { hard: { pods: "10" }, scopes: ["BestEffort"] },
  };
  const declared = {
    kind: "ResourceQuota",
    metadata: { name: "x", labels: { owner: "anca" } },
    spec: { hard: { pods: "20" } },
  };
  for (const managedFields of [undefined, []]) {
    const found = takeover({ ...object, metadata: { ...object.metadata, managedFields } }, declared, NOW);
    expect(found.managedFields).toEqual([
      entry("before-workstation", {
        "f:metadata": {
          "f:labels": { "f:team": {}, "f:kubernetes.io/metadata.name": {} },
          "f:annotations": { "f:note": {} },
        },
      }),
      {
        ...OURS,
        manager: "pulumi-kubernetes",
        fieldsV1: { "f:metadata": { "f:labels": { "f:owner": {} } }, "f:spec": { "f:hard": { "f:pods": {} } } },
      },
    ]);
    expect(takeoverSentences("ResourceQuota x", found)).toEqual([
      "ResourceQuota x: records no owners, so the declared fields become the program's",
      "ResourceQuota x: metadata.labels.team, metadata.annotations.note: kept",
    ]);
  }
});

test("refuses an object whose owners are recorded in an unknown form, and never overwrites them", () => {
  expect(() => takeover(live({ manager: "helm", fieldsV1: "?" }), { spec: {} }, NOW)).toThrow("in an unknown form");
});

test("a label with the name of a method is nobody's declaration", () => {
  const labels = { "f:metadata": { "f:labels": { "f:constructor": {}, "f:toString": {} } } };
  const { taken, kept } = takeover(live(entry("helm", labels)), { metadata: { labels: { a: "b" } } }, NOW);
  expect([taken, kept]).toEqual([
    [],
    [{ owner: "helm", fields: ["metadata.labels.constructor", "metadata.labels.toString"] }],
  ]);
});

test("names containers, variables and volumes of others, each by its key", () => {
  const variable = { 'k:{"name":"HTTP_PROXY"}': { ".": {}, "f:name": {}, "f:value": {} } };
  const containers = {
    'k:{"name":"injector"}': { ".": {}, "f:image": {}, "f:tty": {}, "f:env": variable },
    'k:{"name":"debug"}': { ".": {}, "f:image": {}, "f:name": {} },
  };
  const volumes = { 'k:{"name":"scratch"}': { ".": {}, "f:emptyDir": {}, "f:name": {} } };
  const set = { "f:spec": { "f:template": { "f:spec": { "f:containers": containers, "f:volumes": volumes } } } };
  const declared = { spec: { template: { spec: { containers: [{ name: "injector", image: "x" }] } } } };
  expect(takeover(live(entry("kubectl-edit", set)), declared, NOW).kept).toEqual([
    {
      owner: "kubectl-edit",
      fields: [
        'spec.template.spec.containers[{"name":"injector"}].env[{"name":"HTTP_PROXY"}]',
        'spec.template.spec.containers[{"name":"debug"}]',
        'spec.template.spec.volumes[{"name":"scratch"}]',
      ],
    },
  ]);
});

test("takes declared replicas from whoever scaled, and says by what", () => {
  const scaled = entry("kubectl", { "f:spec": { "f:replicas": {} } }, { subresource: "scale" });
  const found = takeover(live(scaled), { spec: { replicas: 2 } }, NOW);
  expect(takeoverSentences("Deployment x", found)).toEqual([
    "Deployment x: spec.replicas: taken over from kubectl (subresource scale)",
  ]);
  expect(found.managedFields).toEqual([
    { ...OURS, manager: "pulumi-kubernetes", fieldsV1: { "f:spec": { "f:replicas": {} } } },
  ]);
  expect(takeover(live(scaled), { spec: {} }, NOW).managedFields).toBeUndefined();
});

test.each([
  ["not known yet", "04da6b54-80e4-46f7-96ec-b56ff0331ba9"],
  ["secret", { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: { a: "b" } }],
])("a part that is %s counts as declared", (_, part) => {
  const set = { "f:spec": { "f:hard": { ".": {}, "f:pods": {} }, "f:list": { 'k:{"name":"a"}': { "f:x": {} } } } };
  const { taken } = takeover(live(entry("helm", set)), { spec: { hard: part, list: [part] } }, NOW);
  expect(taken).toEqual([{ owner: "helm", fields: ["spec.hard.pods", 'spec.list[{"name":"a"}].x'] }]);
});
