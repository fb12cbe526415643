/** The manifest of the deployment's account covers every kind that the program declares, with nothing left out. */

import { expect, test } from "vitest";
import { requiredRights } from "../../../cli/doctor/deployment-role.ts";
import { desiredResources } from "../../../stacks/offline/desired-resources.ts";
import { rawOf, settings } from "../../config/raw-config.ts";
import { text } from "../../house/sources.ts";
import { derived, rosterOf, row } from "../../roster/support.ts";

const rights = requiredRights(text("ci/deployment-role.yaml"));
const cluster = JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object;
const STACK = settings({
  ...{ cluster, stem95su: { host: "site.example", alertAfterMinutes: 60 } },
});

/** `Ingress` to `ingresses`, as the API's own plurals go. */
const pluralOf = (kind: string) =>
  `${kind
    .toLowerCase()
    .replace(/y$/, "ie")
    .replace(/(s|ss)$/, "$1e")}s`;

test("each declared kind may be read, created, changed and deleted", async () => {
  const people = ["admin", "power-user", "namespace-owner"].map((tier, at) =>
    row(`p${at}`, `email: p${at}@books.example${tier === "namespace-owner" ? "\nnamespaces: [books]" : ""}`, tier),
  );
  const { desired } = derived(rosterOf(...people));
  const declared = await desiredResources(STACK, desired);
  const kinds = new Set(
    declared.flatMap(({ type, inputs }) => {
      if (!type.startsWith("kubernetes:")) return [];
      const { apiVersion = "", kind = "" } = inputs as { apiVersion?: string; kind?: string };
      return [`${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}/${pluralOf(kind)}`];
    }),
  );
  expect(kinds.size).toBeGreaterThan(18);
  const verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
  const granted = rights.filter((right) => verbs.every((verb) => right.verbs.includes(verb)));
  const covered = new Set(granted.map(({ group, resource }) => `${group}/${resource}`));
  expect([...kinds].filter((kind) => !covered.has(kind))).toEqual([]);
});

test("roles may be made and bound whose rights the account does not have itself", () => {
  for (const resource of ["roles", "clusterroles"]) {
    const found = rights.find((right) => right.resource === resource);
    expect(found?.verbs).toEqual(expect.arrayContaining(["bind", "escalate"]));
  }
});
