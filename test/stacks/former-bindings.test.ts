/**
 * Tests that a state of the version with three bindings and a Role in each tenant namespace is taken over: nothing of it is made
 * anew, nobody loses a right that they keep, and nobody keeps one that they lose in the same run.
 */

import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { DEPLOYER_ROLE } from "../../components/cluster/tier-rights.ts";
import { NOBODY } from "../../roster/object-names.ts";
import type { Desired } from "../../roster/model.ts";
import { deployCluster } from "../../stacks/cluster.ts";
import { recordResources } from "../../stacks/offline/record-resources.ts";
import { rawOf, settings } from "../config/raw-config.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const { cluster } = settings({ cluster: JSON.parse(rawOf("Pulumi.prod.yaml")["workstation:cluster"] ?? "") as object });
const owner = (name: string, namespaces: string) =>
  row(name, `email: ${name}@x.org\nnamespaces: [${namespaces}]`, "namespace-owner");
const ADA = row("ada", "email: ada@x.org", "admin");
const before = derived(rosterOf(ADA, owner("bob", "stem, lab")));

/** What the engine is asked to register. */
interface Registration {
  getType(): string;
  getName(): string;
  getParent(): string;
  getProtect(): boolean;
  getDependenciesList(): readonly string[];
  getAliasesList(): readonly { getSpec(): { getParenturn(): string } | undefined }[];
}

interface Declared {
  readonly type: string;
  readonly name: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string; readonly namespace?: string }[];
  /** Its own URN without the stack, and those by which the engine finds it in a state. */
  readonly urns: readonly string[];
  readonly isProtected: boolean;
  readonly after: readonly string[];
}

const PREFIX = "urn:pulumi:import::workstation::";

async function declaredBy(desired: Desired, formerBindings: readonly string[]): Promise<readonly Declared[]> {
  const asked: Registration[] = [];
  const resources = await recordResources({ stack: "import", answer: {} }, async () => {
    if (cluster === undefined) throw new Error("the stack has a cluster");
    // The mocks are not told of a resource's options; the engine is.
    const engine = pulumi.runtime.getMonitor() as unknown as {
      registerResource(resource: Registration, ...more: readonly unknown[]): void;
    };
    const registered = engine.registerResource.bind(engine);
    vi.spyOn(engine, "registerResource").mockImplementation((resource, ...more) => {
      asked.push(resource);
      registered(resource, ...more);
    });
    await deployCluster(
      "-",
      desired,
      { ...cluster, apiServer: undefined },
      { formerBindings: new Set(formerBindings) },
    );
  });
  return resources.flatMap(({ type, name, inputs }) => {
    const request = asked.find((one) => one.getType() === type && one.getName() === name);
    if (request === undefined || !type.startsWith("kubernetes:")) return [];
    const parents = [
      request.getParent(),
      ...request.getAliasesList().map((one) => one.getSpec()?.getParenturn() ?? ""),
    ];
    const urns = parents.map((parent) => {
      const [, , parentType = "", ...rest] = parent.replace("urn:pulumi:", "").split("::");
      return rest.length === 0 || parentType === "pulumi:pulumi:Stack"
        ? `${type}::${name}`
        : `${parentType}$${type}::${name}`;
    });
    const after = request.getDependenciesList().map((urn) => urn.replace(PREFIX, ""));
    return [{ ...(inputs as unknown as Declared), type, name, urns, isProtected: request.getProtect(), after }];
  });
}

/** What the former version had of a present owner's namespace, below its component. */
const FORMER = [
  ...["core/v1:Namespace::", "core/v1:ResourceQuota::-quota", "core/v1:LimitRange::-defaults"],
  ...["networking.k8s.io/v1:NetworkPolicy::-wall", "rbac.authorization.k8s.io/v1:RoleBinding::-owner"],
  ...["rbac.authorization.k8s.io/v1:Role::-deployer", "rbac.authorization.k8s.io/v1:RoleBinding::-deployer"],
  ...["rbac.authorization.k8s.io/v1:RoleBinding::-dashboard", "core/v1:ServiceAccount::-deployer"],
  ...["core/v1:ServiceAccount::-dashboard", "core/v1:Secret::-dashboard-token"],
];
const formerUrns = (namespace: string) =>
  FORMER.map((one) => `workstation:cluster:Tenant$kubernetes:${one.replace("::", `::tenant-${namespace}`)}`);
const ROLES = ["lab", "stem"].map(
  (namespace) =>
    `workstation:cluster:Tenant$kubernetes:rbac.authorization.k8s.io/v1:Role::tenant-${namespace}-deployer`,
);
const bindingsIn = (all: readonly Declared[], namespace: string) =>
  Object.fromEntries(
    all
      .filter(({ type, metadata }) => type.endsWith(":RoleBinding") && metadata.namespace === namespace)
      .map(({ metadata, subjects = [] }) => [
        metadata.name,
        subjects.map((one) => (one.namespace === undefined ? one.name : `${one.namespace}/${one.name}`)),
      ]),
  );
/** The names of what the engine waits for before it works on this binding. */
const waitsFor = (all: readonly Declared[], binding: string) =>
  all
    .find(({ type, name }) => type.endsWith(":RoleBinding") && name === binding)
    ?.after.map((urn) => urn.split("::")[1]);

describe("the run that takes a state over", () => {
  let all: readonly Declared[];
  beforeAll(async () => {
    all = await declaredBy(before.desired, ["lab", "stem"]);
  });

  test("finds everything of a tenant by its former URN, but for the Role of pipelines", () => {
    const found = new Set(all.flatMap(({ urns }) => urns));
    const vanishing = ["lab", "stem"].flatMap(formerUrns).filter((urn) => !found.has(urn));
    expect(vanishing).toEqual(ROLES);
  });

  test("keeps the namespaces protected, without a component above them", () => {
    const namespaces = all.filter(({ type }) => type.endsWith(":Namespace"));
    expect(namespaces.map(({ name, isProtected, urns }) => [name, isProtected, urns[0]])).toEqual(
      expect.arrayContaining(
        ["stem", "lab"].map((name) => [`tenant-${name}`, true, `kubernetes:core/v1:Namespace::tenant-${name}`]),
      ),
    );
  });

  test("changes no role of a binding that is in the state", () => {
    const roles = all
      .filter(({ type, name }) => type.endsWith(":RoleBinding") && name.startsWith("tenant-stem-"))
      .map(({ name, roleRef }) => [name, roleRef?.kind, roleRef?.name]);
    expect(roles.sort()).toEqual([
      ["tenant-stem-dashboard", "ClusterRole", "admin"],
      ["tenant-stem-deployer", "Role", "deployer"],
      ["tenant-stem-owner", "ClusterRole", "admin"],
      ["tenant-stem-pipelines", "ClusterRole", DEPLOYER_ROLE],
    ]);
  });

  test("empties a former binding after the present one admits whom it admitted", () => {
    expect(bindingsIn(all, "lab")).toEqual({
      owner: ["bob@x.org", "lab/dashboard-bob", "stem/dashboard-bob"],
      [DEPLOYER_ROLE]: ["lab/deployer"],
      ...{ dashboard: [NOBODY], deployer: [NOBODY] },
    });
    expect(["dashboard", "deployer", "pipelines"].map((name) => waitsFor(all, `tenant-lab-${name}`))).toEqual([
      ["tenant-lab", "tenant-lab-owner"],
      ["tenant-lab", "tenant-lab-pipelines"],
      ["tenant-lab", `rights-${DEPLOYER_ROLE}`],
    ]);
  });

  test("declares none of them in a namespace that was made since, and the next run none at all", async () => {
    const named = (some: readonly Declared[], namespace: string) => Object.keys(bindingsIn(some, namespace)).sort();
    const some = await declaredBy(before.desired, ["lab"]);
    expect(named(some, "lab")).toEqual(["dashboard", "deployer", "owner", DEPLOYER_ROLE]);
    for (const one of [some, await declaredBy(before.desired, [])])
      expect(named(one, "stem")).toEqual(["owner", DEPLOYER_ROLE]);
  });
});

describe("in the run that takes a state over", () => {
  const changed = async (...rows: readonly string[]) => {
    const { desired } = derived(rosterOf(ADA, ...rows), { ledger: before.desired.ledger });
    return declaredBy(desired, ["lab", "stem"]);
  };
  const EMPTY = { owner: [NOBODY], [DEPLOYER_ROLE]: [NOBODY], dashboard: [NOBODY], deployer: [NOBODY] };

  test("nobody is left in any binding of an offboarded user, and none of them waits for a new right", async () => {
    const all = await changed();
    expect([bindingsIn(all, "stem"), bindingsIn(all, "lab")]).toEqual([EMPTY, EMPTY]);
    for (const name of ["dashboard", "deployer", "owner"])
      expect(waitsFor(all, `tenant-stem-${name}`)).toEqual(["tenant-stem"]);
  });

  test("nobody is left in the bindings of a namespace that was taken off its owner's row", async () => {
    const all = await changed(owner("bob", "stem"));
    expect([bindingsIn(all, "stem").owner, bindingsIn(all, "lab")]).toEqual([
      ["bob@x.org", "stem/dashboard-bob"],
      EMPTY,
    ]);
  });

  test("a namespace that is handed over admits its next owner after the former one's others admit no account of it", async () => {
    const all = await changed(owner("cleo", "stem"));
    expect([bindingsIn(all, "stem"), bindingsIn(all, "lab")]).toEqual([
      { ...EMPTY, owner: ["cleo@x.org", "stem/dashboard-cleo"], [DEPLOYER_ROLE]: ["stem/deployer"] },
      EMPTY,
    ]);
    for (const name of ["tenant-stem-owner", "tenant-stem-pipelines"]) {
      expect(waitsFor(all, name)).toEqual(
        expect.arrayContaining(
          ["owner", "pipelines", "dashboard", "deployer"].map((binding) => `tenant-lab-${binding}`),
        ),
      );
    }
  });
});
