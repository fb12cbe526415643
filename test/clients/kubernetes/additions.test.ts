/** What somebody added to an object is found, and what the API server or another program has of its own is not. */

import { expect, test } from "vitest";
import { additions, formerParts } from "../../../clients/kubernetes/additions.ts";

const subject = (name: string) => ({ kind: "User", name });
const fields = (manager: string, operation: string, fieldsV1: object) => ({ manager, operation, fieldsV1 });
const live = (object: object, ...managedFields: readonly object[]) => ({ metadata: { managedFields }, ...object });

const RULE = { from: [{ podSelector: {} }], ports: [{ port: 80 }] };
const POLICY = { spec: { podSelector: {}, ingress: [RULE], policyTypes: ["Ingress"] } };
const policy = (spec: object) => live({ spec: { ...POLICY.spec, ...spec } });

test.each([
  [
    "a subject behind those of a binding",
    { subjects: [subject("ana")] },
    live({ subjects: [subject("ana"), subject("eve")] }),
    "subjects",
  ],
  ["the first item of a list that is declared empty", { rules: [] }, live({ rules: [{ verbs: ["*"] }] }), "rules"],
  [
    "a verb of a rule",
    { rules: [{ verbs: ["get"] }] },
    live({ rules: [{ verbs: ["get", "bind"] }] }),
    "rules[0].verbs",
  ],
  ["a rule of a NetworkPolicy", POLICY, policy({ ingress: [RULE, {}] }), "spec.ingress"],
  [
    "a source of a rule",
    POLICY,
    policy({ ingress: [{ ...RULE, from: [...RULE.from, { ipBlock: { cidr: "0.0.0.0/0" } }] }] }),
    "spec.ingress[0].from",
  ],
  [
    "a port of a rule, in a list that has keys elsewhere",
    POLICY,
    policy({ ingress: [{ ...RULE, ports: [...RULE.ports, { port: 22 }] }] }),
    "spec.ingress[0].ports",
  ],
  [
    "a label that keeps a policy from selecting what it should",
    POLICY,
    policy({ podSelector: { matchLabels: { none: "x" } } }),
    "spec.podSelector",
  ],
  [
    "an expression of a selector",
    { spec: { podSelector: { matchLabels: { app: "web" } } } },
    live({
      spec: { podSelector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "x", operator: "Exists" }] } },
    }),
    "spec.podSelector",
  ],
])("found: %s", (_, declared, object, part) => {
  expect(additions(declared, object)).toEqual([part]);
});

const CONTAINERS = { spec: { containers: [{ name: "web", args: ["-a"] }] } };
const withSidecar = (...managedFields: readonly object[]) =>
  live({ spec: { containers: [{ name: "injected" }, { name: "web", args: ["-a"] }] } }, ...managedFields);
const SIDECAR = { "f:spec": { "f:containers": { 'k:{"name":"injected"}': { ".": {} } } } };

test("an item of a list with keys counts where kubectl alone owns it, since only then an update takes it away", () => {
  expect(additions(CONTAINERS, withSidecar(fields("kubectl-patch", "Update", SIDECAR)))).toEqual([
    "spec.containers[injected]",
  ]);
  expect(additions(CONTAINERS, withSidecar(fields("mesh", "Update", SIDECAR)))).toEqual([]);
  expect(
    additions(CONTAINERS, withSidecar(fields("mesh", "Apply", SIDECAR), fields("kubectl", "Update", SIDECAR))),
  ).toEqual([]);
  expect(additions(CONTAINERS, withSidecar())).toEqual([]);
});

test("a constraint that another program added to a list with keys stays", () => {
  const spread = (topologyKey: string) => ({ topologyKey, whenUnsatisfiable: "DoNotSchedule" });
  const [one, two] = [{ topologySpreadConstraints: [spread("zone")] }, [spread("zone"), spread("node")]];
  expect(additions(one, live({ topologySpreadConstraints: two }))).toEqual([]);
});

test("in a declared item of such a list an addition is found wherever the item stands", () => {
  const object = live({ spec: { containers: [{ name: "injected" }, { name: "web", args: ["-a", "--open"] }] } });
  expect(additions(CONTAINERS, object)).toEqual(["spec.containers[web].args"]);
});

test("no addition: what the API server sets by itself, fewer or other items, secret and unknown parts", () => {
  const port = { port: 80, protocol: "TCP" };
  expect(additions(POLICY, policy({ ingress: [{ ...RULE, ports: [port] }], egress: [{}] }))).toEqual([]);
  expect(additions({ subjects: [subject("ana"), subject("bob")] }, live({ subjects: [subject("eve")] }))).toEqual([]);
  expect(additions({ spec: { ports: [{ port: 80 }] } }, live({ spec: { ports: [port] } }))).toEqual([]);
  expect(additions({ subjects: Promise.resolve([]) }, live({ subjects: [subject("eve")] }))).toEqual([]);
  expect(additions({ subjects: [subject("ana")] }, undefined)).toEqual([]);
});

test("what the program itself drops is no addition, and a part that it declares empty is in no former input", () => {
  const [former, declared] = [{ subjects: [subject("ana"), subject("bob")] }, { subjects: [subject("ana")] }];
  const two = live({ subjects: [subject("ana"), subject("bob")] });
  expect(additions(formerParts(former, declared), two)).toEqual([]);
  const three = live({ subjects: [...former.subjects, subject("eve")] });
  expect(additions(formerParts(former, declared), three)).toEqual(["subjects"]);
  const empty = { spec: { matchConstraints: { excludeResourceRules: [], namespaceSelector: {} } } };
  const found = live({ spec: { matchConstraints: { excludeResourceRules: [{}], namespaceSelector: {} } } });
  expect(additions(formerParts({ spec: { matchConstraints: {} } }, empty), found)).toEqual([
    "spec.matchConstraints.excludeResourceRules",
  ]);
  expect(formerParts(undefined, declared)).toBe(declared);
});
