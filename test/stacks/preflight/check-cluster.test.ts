/** What is found in the cluster and must be settled first, and what is only said. */

import { describe, expect, test } from "vitest";
import type { Namespace, Person } from "../../../roster/model.ts";
import { DEPLOYER_ROLE } from "../../../components/cluster/tier-rights.ts";
import { cluster } from "../../../config/settings/cluster.ts";
import { NOBODY } from "../../../roster/object-names.ts";
import { judge } from "../../../stacks/preflight/check-cluster.ts";
import type { ClusterFacts } from "../../../stacks/preflight/cluster-snapshot.ts";
import { desired, left, person } from "../../components/cluster/people.ts";

const PLAIN = {
  server: "https://api.test:6443",
  caData: "Y2E=",
  oidc: { issuer: "https://sso.test/", clientId: "kubernetes" },
};
const NOTHING: ClusterFacts = {
  namespaces: new Map(),
  quotas: [],
  bindings: [],
  stores: [],
  roles: [],
  apiServers: [],
};
const OWNER = person("anca", "namespace-owner", ["stem"]);

const judged = (
  facts: Partial<ClusterFacts>,
  settings: object = {},
  people: readonly Person[] = [OWNER],
  gone: readonly Person[] = [],
  formerBindings: readonly string[] = [],
) =>
  judge({ ...NOTHING, ...facts }, desired(people, gone.map(left)), cluster.parse({ ...PLAIN, ...settings }), {
    formerBindings: new Set(formerBindings),
  });

const namespace = (name: string, labels: Record<string, string> = {}) =>
  [name, { metadata: { name, labels } }] as const;
const OURS = new Map([
  namespace("stem", { "app.kubernetes.io/managed-by": "workstation", "workstation/owner": "anca-k8s" }),
]);

test("an empty cluster is no reason to stop, and there is nothing to say of it", () => {
  expect(judged({})).toEqual({ isKnown: true, warnings: [], notes: [], signInDrift: "" });
});

describe("a namespace that exists already", () => {
  test("is gone on with when it is this owner's", () => {
    expect(judged({ namespaces: OURS }).warnings).toEqual([]);
  });

  test("stops the run when nobody knows whose it is, with the way to hand it over", () => {
    expect(() => judged({ namespaces: new Map([namespace("stem")]) })).toThrow(
      /anca: the namespace stem exists already and is nobody's that this program knows\..*kubectl label --overwrite namespace stem .*workstation\/owner=anca-k8s/s,
    );
  });

  test("stops the run when it belongs to somebody else, who is named", () => {
    const foreign = new Map([namespace("stem", { "workstation/owner": "bogdan-k8s" })]);
    expect(() => judged({ namespaces: foreign })).toThrow("belongs to bogdan-k8s");
  });

  test("stops the run when it is the platform's own", () => {
    expect(() => judged({}, { portalMap: { namespace: "stem" } })).toThrow("stem is the platform's own namespace");
  });
});

describe("a quota", () => {
  const live = (used: string, hard = "8Gi") => [
    {
      metadata: { name: "quota", namespace: "stem" },
      spec: { hard: { "requests.memory": hard } },
      status: { used: { "requests.memory": used } },
    },
  ];

  test("that is lowered below what runs stops the run and says how far it may go", () => {
    expect(() => judged({ namespaces: OURS, quotas: live("6Gi") })).toThrow(
      /memory_requests of stem would become 4Gi, and 6Gi are in use/,
    );
  });

  test("that is lowered and still holds what runs is no reason to stop", () => {
    expect(judged({ namespaces: OURS, quotas: live("4096Mi") }).warnings).toEqual([]);
  });

  test("that stays is none either, however full it is", () => {
    expect(judged({ namespaces: OURS, quotas: live("5Gi", "4Gi") }).warnings).toEqual([]);
  });

  test("of somebody with several namespaces is shown as a sum", () => {
    const two = person("anca", "namespace-owner", ["stem", "lab"]);
    expect(judged({}, {}, [two]).notes).toEqual([
      "anca: 2 namespaces with together 4 CPU and 8Gi requested, 16Gi limit, 40 pods",
    ]);
  });
});

describe("a store of secrets", () => {
  const store = (conditions?: object[]) => [
    { metadata: { name: "vault-kv" }, spec: conditions === undefined ? {} : { conditions } },
  ];
  const roles = [
    {
      metadata: { name: "external-secrets-edit", labels: { "rbac.authorization.k8s.io/aggregate-to-edit": "true" } },
      rules: [{ apiGroups: ["external-secrets.io"], resources: ["externalsecrets", "pushsecrets"], verbs: ["create"] }],
    },
  ];

  test("without conditions stops the hand-out of a new namespace, with both ways out", () => {
    expect(() => judged({ stores: store(), roles })).toThrow(
      /stem: an admin there.*vault-kv.*external-secrets-edit.*acceptedSecretStores/s,
    );
  });

  test("is only said where nobody gets anything new: whoever leaves must still be able to", () => {
    expect(judged({ stores: store(), roles, namespaces: OURS }).warnings).toEqual([
      "The ClusterSecretStore vault-kv can be used from tenants' namespaces: stem.",
    ]);
  });

  test("is only said where tenants may not write External Secrets' objects", () => {
    expect(judged({ stores: store() }).warnings).toHaveLength(1);
  });

  test("that the configuration accepts by name is neither", () => {
    expect(judged({ stores: store(), roles }, { acceptedSecretStores: ["vault-kv"] }).warnings).toEqual([]);
  });

  test.each<[string, object[], boolean]>([
    ["other namespaces", [{ namespaces: ["monitoring"] }], false],
    ["this namespace", [{ namespaces: ["stem"] }], true],
    ["a pattern that leaves it out", [{ namespaceRegexes: ["^platform-"] }], false],
    ["a pattern that takes it in", [{ namespaceRegexes: ["^platform-", "^st"] }], true],
    ["a pattern that cannot be read", [{ namespaceRegexes: ["("] }], true],
    ["every namespace", [{ namespaceSelector: {} }], true],
    [
      "namespaces without an owner",
      [{ namespaceSelector: { matchExpressions: [{ key: "workstation/owner", operator: "DoesNotExist" }] } }],
      false,
    ],
    [
      "namespaces with an owner",
      [{ namespaceSelector: { matchExpressions: [{ key: "workstation/owner", operator: "Exists" }] } }],
      true,
    ],
    [
      "managed namespaces",
      [{ namespaceSelector: { matchLabels: { "app.kubernetes.io/managed-by": "workstation" } } }],
      true,
    ],
    [
      "an operator of the future",
      [{ namespaceSelector: { matchExpressions: [{ key: "a", operator: "Near" }] } }],
      true,
    ],
  ])("with a condition for %s", (_, conditions, isOpen) => {
    expect(judged({ stores: store(conditions), namespaces: OURS }).warnings.length > 0).toBe(isOpen);
  });
});

describe("a right that this program did not give", () => {
  const binding = (subject: object, labels = {}) => [
    {
      metadata: { name: "extra", namespace: "stem", labels },
      roleRef: { kind: "ClusterRole", name: "admin" },
      subjects: [subject] as never,
    },
  ];
  const everybody = { kind: "Group", name: "system:authenticated" };
  const own = { kind: "ServiceAccount", name: "robot", namespace: "stem" };

  test("is nobody's where a binding that stays is empty", () => {
    const empty = binding({ kind: "User", name: NOBODY });
    expect(judged({ namespaces: OURS, bindings: empty }).warnings).toEqual([]);
    expect(judged({ namespaces: OURS, bindings: empty }, {}, [], [OWNER]).warnings).toEqual([]);
  });

  test("is reported where an owner let others in", () => {
    expect(judged({ namespaces: OURS, bindings: binding(everybody) }).warnings).toEqual([
      "stem: anca has given ClusterRole admin to Group system:authenticated (RoleBinding extra); this program leaves it as it is",
    ]);
  });

  test("to an owner's own account is the owner's business while they are here, and reported once they left", () => {
    expect(judged({ namespaces: OURS, bindings: binding(own) }).warnings).toEqual([]);
    expect(judged({ namespaces: OURS, bindings: binding(own) }, {}, [], [OWNER]).warnings).toEqual([
      "stem: anca, whose it was, has given ClusterRole admin to ServiceAccount stem/robot (RoleBinding extra); this program leaves it as it is",
    ]);
  });

  test("is reported of a namespace that was taken off its owner's row", () => {
    const moved = person("anca", "namespace-owner", ["lab"], { formerNamespaces: ["stem" as Namespace] });
    expect(judged({ namespaces: OURS, bindings: binding(own) }, {}, [moved]).warnings).toHaveLength(1);
  });

  test("is not one of ours, which are known by label and name: anybody can give theirs the label", () => {
    const ours = { "app.kubernetes.io/managed-by": "workstation" };
    const named = (name: string) =>
      binding(everybody, ours).map((one) => ({ ...one, metadata: { ...one.metadata, name } }));
    expect(judged({ namespaces: OURS, bindings: named("owner") }).warnings).toEqual([]);
    expect(judged({ namespaces: OURS, bindings: named("extra") }).warnings).toHaveLength(1);
  });

  test.each(["dashboard", "deployer"])("is one of an earlier version by the name %s while a run empties it", (name) => {
    const bindings = binding(own, { "app.kubernetes.io/managed-by": "workstation" }).map((one) => ({
      ...one,
      metadata: { ...one.metadata, name },
    }));
    const warnings = (former: readonly string[]) =>
      judged({ namespaces: OURS, bindings }, {}, [], [OWNER], former).warnings;
    expect(warnings(["stem"])).toEqual([]);
    expect([warnings([]).length, warnings(["lab"]).length]).toEqual([1, 1]);
  });

  test("is said to rest where the stack suspends it", () => {
    const said = judged({ namespaces: OURS, bindings: binding(own) }, { plantedRights: "suspend" }, [], [OWNER]);
    expect(said.warnings).toEqual([expect.stringContaining("it is suspended until they are back")]);
  });
});

describe("a renamed owner", () => {
  test("keeps the namespaces that carry the former name", () => {
    const renamed = { ...OWNER, k8sUser: "anna-k8s", previously: { k8sUser: OWNER.k8sUser } };
    expect(() => judged({ namespaces: OURS }, {}, [renamed as typeof OWNER])).not.toThrow();
    expect(() => judged({ namespaces: OURS }, {}, [{ ...renamed, previously: {} } as typeof OWNER])).toThrow(
      "belongs to anca-k8s",
    );
  });
});

describe("the API servers' sign-in", () => {
  const apiServer = {
    issuers: [{ url: "https://sso.test/", audiences: ["kubernetes"] }],
    sshPrivateKey: "key",
    controlPlanes: [{ name: "cp1", address: "10.0.0.1", hostKey: "ssh-ed25519 AAAA" }],
  };

  test("is said to be missing where a server runs without it", () => {
    const apiServers = [
      { name: "kube-apiserver-cp1", uid: "u1", command: ["kube-apiserver", "--authentication-config=/other"] },
    ];
    expect(judged({ apiServers }, { apiServer }).signInDrift).toBe("without the sign-in: kube-apiserver-cp1 (u1)");
    expect(judged({ apiServers }).signInDrift).toBe("");
  });
});

describe("the takeover of the bindings of an earlier version", () => {
  const called = (name: string, labels = {}) => [
    { metadata: { name, namespace: "stem", labels }, roleRef: { kind: "ClusterRole", name: "view" }, subjects: [] },
  ];
  const COUNT = "count/rolebindings.rbac.authorization.k8s.io";
  const full = [
    {
      metadata: { name: "quota", namespace: "stem" },
      spec: { hard: { [COUNT]: "50" } },
      status: { used: { [COUNT]: "50" } },
    },
  ];
  const OUR_LABEL = { "app.kubernetes.io/managed-by": "workstation" };
  const judgeWith = (facts: Partial<ClusterFacts>, formerBindings: readonly string[] = ["stem"]) =>
    judged({ namespaces: OURS, ...facts }, {}, [OWNER], [], formerBindings);

  test("stops before the first write where its name is taken, with the command", () => {
    expect(() => judgeWith({ bindings: called(DEPLOYER_ROLE) })).toThrow(
      `stem: somebody has made a RoleBinding ${DEPLOYER_ROLE}, which this version makes itself; look at it, and run ` +
        `kubectl delete rolebinding ${DEPLOYER_ROLE} --namespace stem`,
    );
  });

  test("stops where the quota has no room for it, unless it is there already", () => {
    expect(() => judgeWith({ quotas: full })).toThrow(/stem: its ResourceQuota quota has no RoleBinding left for/);
    expect(judgeWith({ quotas: full, bindings: called(DEPLOYER_ROLE, OUR_LABEL) }).warnings).toEqual([]);
  });

  test("is no matter of any later run", () => {
    expect(judgeWith({ quotas: full }, []).warnings).toEqual([]);
  });
});
