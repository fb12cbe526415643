/** No two things that the program makes in the cluster ever share a name, whatever namespaces and people there are. */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { K8sUser } from "../../../roster/model.ts";
import { deployCluster } from "../../../stacks/cluster.ts";
import { settingsFor } from "../../e2e/cluster/dashboard-settings.ts";
import { declared } from "./declared.ts";
import { desired, person } from "./people.ts";

/** Names that end as some object's own name does. */
const label = fc.oneof(
  fc.constantFrom(
    "a",
    "a-quota",
    "a-dashboard",
    "a-dashboard-token",
    "a-owner",
    "a-deployer",
    "a-pipelines",
    "quota",
    "owner",
    "dashboard",
    "admin",
    "dashboard-admin",
  ),
  fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/),
);

test("every object has a name of its own, for the engine and for the cluster", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(label, { minLength: 1, maxLength: 8 }),
      fc.uniqueArray(label, { minLength: 8, maxLength: 8 }),
      async (namespaces, users) => {
        const owners = namespaces.map((namespace, i) =>
          person(`p${i}`, "namespace-owner", [namespace], { k8sUser: users[i] as K8sUser }),
        );
        const all = await declared(() =>
          deployCluster(
            "{}",
            desired([person("wizard", "admin"), ...owners]),
            settingsFor({ origin: "http://d:80" }),
            // Bindings of an earlier version stand beside the present ones while a state is taken over.
            { formerBindings: new Set(namespaces) },
          ),
        );
        const forEngine = all.map(({ type, name }) => `${type} ${name}`);
        const forCluster = all.map(
          ({ type, inputs }) => `${type} ${inputs.metadata.namespace ?? ""}/${inputs.metadata.name}`,
        );
        expect(new Set(forEngine).size).toBe(all.length);
        expect(new Set(forCluster).size).toBe(all.length);
        expect(all.filter(({ inputs }) => inputs.metadata.name.length > 253)).toEqual([]);
      },
    ),
    { numRuns: 12 },
  );
});
