/** Each program that keeps an object is named with what it does to it and what has to be done there first. */

import { expect, test } from "vitest";
import { deletionOf, keeperSentences } from "../../../clients/kubernetes/other-keepers.ts";

const sentences = (metadata: object) => keeperSentences("RoleBinding books/owner", { metadata });

const KEEP = "helm.sh/resource-policy: keep";
const HELM = { "meta.helm.sh/release-name": "rights", "meta.helm.sh/release-namespace": "books" };

test.each([
  [
    { annotations: { "argocd.argoproj.io/tracking-id": "rights:rbac.authorization.k8s.io/RoleBinding:books/owner" } },
    "the application rights of Argo CD, which puts it back at a sync, at once where self-heal is on, and deletes it by pruning",
    "Prune=false,Delete=false",
    "argocd.argoproj.io/tracking-id",
  ],
  [
    { labels: { "argocd.argoproj.io/instance": "rights" } },
    "the application rights of Argo CD, which puts it back",
    "argocd.argoproj.io/sync-options",
    "argocd.argoproj.io/instance",
  ],
  [
    { labels: { "app.kubernetes.io/managed-by": "Helm" }, annotations: HELM },
    "the Helm release rights in books, which puts it back at an upgrade and deletes it at an uninstall",
    KEEP,
    "meta.helm.sh/release-name",
  ],
  [
    { labels: { "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" } },
    "the Kustomization apps in flux-system of Flux, which puts it back at each reconciliation and deletes it by pruning",
    "kustomize.toolkit.fluxcd.io/prune: disabled",
    "kustomize.toolkit.fluxcd.io/name",
  ],
  [
    {
      labels: { "helm.toolkit.fluxcd.io/name": "apps", "helm.toolkit.fluxcd.io/namespace": "flux-system" },
      annotations: HELM,
    },
    "the HelmRelease apps in flux-system of Flux, which puts it back",
    KEEP,
    "helm.toolkit.fluxcd.io/name",
  ],
  [
    { annotations: { ...HELM, "objectset.rio.cattle.io/id": "default-apps" } },
    "the bundle default-apps of Rancher Fleet, which puts it back",
    KEEP,
    "objectset.rio.cattle.io/id",
  ],
  [
    {
      annotations: {
        "objectset.rio.cattle.io/id": "",
        "objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
        "objectset.rio.cattle.io/owner-name": "rights",
      },
    },
    "the Addon rights of a Rancher program, which puts it back",
    'objectset.rio.cattle.io/prune: "false"',
    "objectset.rio.cattle.io/owner-name",
  ],
  [
    { labels: { "kapp.k14s.io/app": "1650000000000000000" } },
    "the kapp application with the label 1650000000000000000, which puts it back",
    "kapp.k14s.io/delete-strategy: orphan",
    "kapp.k14s.io/app",
  ],
  [
    {
      labels: { "applyset.kubernetes.io/part-of": "applyset-x-v1" },
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    },
    "the apply set applyset-x-v1, which puts it back when it is applied and deletes it by pruning",
    "without applying that yet",
    "applyset.kubernetes.io/part-of",
  ],
])("an object that bears %j is kept by that program, and by no other", (metadata, by, first, mark) => {
  const [sentence, ...more] = sentences(metadata);
  expect(more).toEqual([]);
  expect(sentence?.startsWith(`RoleBinding books/owner: still kept by ${by}`)).toBe(true);
  const what = sentence?.split("; first ")[1];
  expect(what).toContain(first);
  expect(what?.endsWith(`, and then remove ${mark} from the object`)).toBe(true);
});

test("Helm's label alone counts where nothing else says who keeps the object", () => {
  const labels = { "app.kubernetes.io/managed-by": "Helm" };
  expect(sentences({ labels })).toEqual([
    "RoleBinding books/owner: still kept by a Helm release without a name on the object, which puts it back at an upgrade " +
      "and deletes it at an uninstall; first find the release (helm get manifest), set helm.sh/resource-policy: keep on " +
      "it in the chart, upgrade, and then remove it from the chart",
  ]);
  const annotations = { "argocd.argoproj.io/tracking-id": "rights:/Namespace:books/books" };
  expect(sentences({ labels, annotations })).toEqual([expect.stringContaining("of Argo CD")]);
});

test.each(["Terraform", "HashiCorp"])("%s is known by the fields that it owns", (manager) => {
  const managedFields = [{ manager: "kubectl-create" }, { manager }, { manager }];
  expect(sentences({ managedFields })).toEqual([
    "RoleBinding books/owner: still kept by Terraform, which owns fields of it, and puts it back or deletes it at an " +
      "apply; first replace its resource by a removed block with destroy = false, and then apply",
  ]);
});

test("a controller puts an object back, and the garbage collector deletes it with each of its owners", () => {
  const ownerReferences = [
    { apiVersion: "example.org/v1", kind: "Tenant", name: "books", uid: "1", controller: true },
    { apiVersion: "v1", kind: "ConfigMap", name: "setup", uid: "2" },
  ];
  expect(sentences({ ownerReferences })).toEqual([
    "RoleBinding books/owner: still kept by its controller Tenant books, which puts it back, and with which the garbage " +
      "collector deletes it; first have that controller make it no longer, and then remove that owner from its " +
      "metadata.ownerReferences",
    "RoleBinding books/owner: still kept by its owner ConfigMap setup, with which the garbage collector deletes it; " +
      "first remove that owner from its metadata.ownerReferences",
  ]);
});

test("what a person made, and what nothing is known of, is kept by nobody else", () => {
  expect(sentences({ labels: { team: "books" }, managedFields: [{ manager: "kubectl-create" }] })).toEqual([]);
  expect(keeperSentences("Namespace books", "text")).toEqual([]);
});

test("a name of any length with control characters is a part of one line", () => {
  const [sentence = ""] = sentences({
    annotations: { "meta.helm.sh/release-name": `a\n\u001b[2J  b${"c".repeat(200)}` },
  });
  expect(sentence).toContain(`the Helm release a [2J b${"c".repeat(93)}, which`);
});

const WAIT = "so it is not taken over; wait until it is gone, and make the adoption file again";
const SINCE = "2026-01-02T03:04:05Z";

test.each([
  [{ metadata: { deletionTimestamp: SINCE } }, `is being deleted since ${SINCE}, ${WAIT}`],
  [
    { metadata: { deletionTimestamp: SINCE, finalizers: ["a.example/b", "c"] }, status: { phase: "Terminating" } },
    `is being deleted since ${SINCE} and waits for its finalizers (a.example/b, c), ${WAIT}`,
  ],
  [{ metadata: {}, status: { phase: "Terminating" } }, `is being deleted, ${WAIT}`],
  [{ metadata: {}, status: { phase: "Active" } }, undefined],
  [{ metadata: {}, status: { hard: { pods: "10" } } }, undefined],
  [{ metadata: {} }, undefined],
])("%j: %s", (live, why) => {
  expect(deletionOf(live)).toBe(why);
});
