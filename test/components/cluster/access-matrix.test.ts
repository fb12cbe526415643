/** The roles give what the specification lists and nothing that leads to more. */

import { describe, expect, test } from "vitest";
import { accessMatrixText } from "../../../components/cluster/access-matrix.ts";
import { CLUSTER_ROLES, DEPLOYER_RULES, NAV_ROLE } from "../../../components/cluster/tier-rights.ts";

const ALL = [...CLUSTER_ROLES, ["deployer", DEPLOYER_RULES]] as const;

describe.each(ALL)("the role %s", (_, rules) => {
  test("names every group, resource and verb outright", () => {
    expect(
      rules
        .flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs])
        .filter((word) => word.includes("*")),
    ).toEqual([]);
  });

  test("gives nothing that leads to somebody else's rights", () => {
    const verbs = rules
      .flatMap(({ verbs }) => verbs)
      .filter((verb) => ["escalate", "bind", "impersonate", "approve", "sign"].includes(verb));
    const resources = rules
      .flatMap((rule) => rule.resources)
      .filter((name) =>
        /^secrets|proxy$|exec$|attach$|portforward$|ephemeralcontainers$|token$|^serviceaccounts/.test(name),
      );
    expect([...verbs, ...resources]).toEqual([]);
  });
});

test.each([...CLUSTER_ROLES])("the cluster-wide role %s only reads", (_, rules) => {
  expect([...new Set(rules.flatMap(({ verbs }) => verbs))].sort()).toEqual(["get", "list", "watch"]);
});

test("a dashboard sees namespaces and nodes beyond its own, and nothing else", () => {
  expect(CLUSTER_ROLES.get(NAV_ROLE)).toEqual([
    { apiGroups: [""], resources: ["namespaces", "nodes"], verbs: ["get", "list", "watch"] },
  ]);
});

test("docs/access-matrix.md says what the roles give", async () => {
  await expect(accessMatrixText()).toMatchFileSnapshot("../../../docs/access-matrix.md");
});
