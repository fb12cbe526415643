import { describe, expect, test } from "vitest";
import { checkPolicy, DEFAULT_QUOTA } from "../../roster/policy-defaults.ts";
import { renderProblem } from "../../roster/render-problem.ts";
import { type Given, policy, rosterOf, row, tried } from "./support.ts";

describe("a quota that asks for more memory than it allows is refused, wherever its figures come from", () => {
  const owner = (quota: string) => rosterOf(row("bob", `namespaces: [shop]\n${quota}`, "namespace-owner"));
  const refusal = (text: string, given: Given = {}) => {
    const result = tried(text, given);
    return result.ok ? [] : result.problems.map(renderProblem);
  };
  const mapOf = (quota: string) => `{"bob": {"role": "namespace-owner", "email": "bob@x", "quota": ${quota}}}`;

  test.each<[string, string, string]>([
    [
      "quota: {memory_requests: 16Gi}",
      "7:30",
      'quota.memory_requests: "16Gi" is more than memory_limits, "8Gi" from the stack\'s settings;',
    ],
    [
      "quota: {memory_limits: 2Gi}",
      "7:28",
      'quota.memory_limits: "2Gi" is less than memory_requests, "4Gi" from the stack\'s settings;',
    ],
  ])("%s and the stack", (quota, place, says) =>
    expect(refusal(owner(quota))).toEqual([expect.stringContaining(`:${place}: bob: ${says} no pod may ask for more`)]),
  );

  test("the row and the user map", () => {
    const userMap = mapOf('{"memory_limits": "32Gi"}');
    expect(refusal(owner("quota: {memory_requests: 16Gi}"), { userMap })).toEqual([]);
    expect(refusal(owner("quota: {memory_requests: 64Gi}"), { userMap })).toEqual([
      expect.stringMatching(/"64Gi" is more than memory_limits, "32Gi" from the user map \(k8s-users.json\);/),
    ]);
  });

  test("the user map and the stack", () =>
    expect(refusal(owner(""), { userMap: mapOf('{"memory_requests": "9Gi"}') })).toEqual([
      expect.stringMatching(
        /:4:15: bob: k8s_user: memory_requests, "9Gi" from the user map \(k8s-users.json\), is more than memory_limits, "8Gi" from the stack's settings;/,
      ),
    ]));

  test("the stack alone", () =>
    expect(checkPolicy(policy({ quota: { ...DEFAULT_QUOTA, memory_limits: "2Gi" } }))).toEqual([
      "quota.memory_requests (4Gi) is more than quota.memory_limits (2Gi); no pod may ask for more than it may take",
    ]));

  test("people without a namespace have no quota", () =>
    expect(refusal(rosterOf(row("bob", "quota: {memory_requests: 16Gi}")))).toEqual([]));
});

describe("a quota with more pods than its other figures can be shared among is refused", () => {
  const refusal = (quota: string) => {
    const result = tried(rosterOf(row("bob", `namespaces: [shop]\n${quota}`, "namespace-owner")));
    return result.ok ? [] : result.problems.map(renderProblem);
  };
  test.each([
    [
      "quota: {pods: 5000}",
      "7:19",
      'quota.pods: 5000 pods share cpu_requests, "2", and a pod without figures of its own gets the share of one; that is less than 1m, Kubernetes\' smallest unit, so lower pods or raise cpu_requests',
    ],
    [
      'quota: {pods: 1500, cpu_requests: "2"}',
      "7:19",
      'quota.pods: 1500 pods share memory_limits, "8Gi", and a pod without figures of its own gets the share of one; that is less than 6Mi, below which no container starts, so lower pods or raise memory_limits',
    ],
    [
      "quota: {memory_limits: 64Mi, memory_requests: 64Mi}",
      "7:28",
      'quota.memory_limits: 20 pods share memory_limits, "64Mi", and',
    ],
  ])("%s", (quota, place, says) =>
    expect(refusal(quota)).toEqual([expect.stringContaining(`:${place}: bob: ${says}`)]),
  );

  test.each([
    "quota: {pods: 1000}",
    "quota: {pods: 1, memory_limits: 64Mi, memory_requests: 64Mi}",
    "quota: {pods: 150000, cpu_requests: 1000, memory_requests: 64Ti, memory_limits: 64Ti}",
  ])("%s is right", (quota) => expect(refusal(quota)).toEqual([]));
});
