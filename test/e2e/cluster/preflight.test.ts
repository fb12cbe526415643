/** The look at the cluster, on the real one: namespaces, quotas in use, and External Secrets' stores as its own CRDs admit them. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { deployCluster } from "../../../stacks/cluster.ts";
import { checkCluster } from "../../../stacks/preflight/check-cluster.ts";
import { desired, person } from "../../components/cluster/people.ts";
import { eventually } from "./api.ts";
import { settingsFor } from "./dashboard-settings.ts";
import { applied, cleanCluster, type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { openSignIn, token } from "./sign-in.ts";

const OWNER = person("diana", "namespace-owner", ["diana-one"]);
const SETTINGS = settingsFor({ origin: "http://10.215.7.7:8080" });
/** Other projects' own descriptions; where they are not at hand, the tests that need them say so by being skipped. */
const CRDS = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));

let lab: LabCluster;
let kubeconfig: string;

beforeAll(async () => {
  lab = await openLabCluster();
  await cleanCluster(lab);
  kubeconfig = readFileSync(lab.adminKubeconfig, "utf8");
  await applied(lab.admin, () => deployCluster("{}", desired([OWNER]), SETTINGS));
});

afterAll(() => cleanCluster(lab));

const look = (people: Parameters<typeof desired>[0], settings = SETTINGS) =>
  checkCluster(kubeconfig, desired(people), settings);
const put = async (path: string, object: object) => {
  const { status, body } = await lab.admin(
    "PATCH",
    `${path}?fieldManager=test&force=true`,
    object,
    "application/apply-patch+yaml",
  );
  if (status > 201) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
};

test("what this program has made is gone on with", async () => {
  const { warnings } = await look([OWNER]);
  expect(warnings.filter((line) => line.includes("diana"))).toEqual([]);
});

test("a namespace that somebody made by hand stops the run before anything is declared", async () => {
  await put("/api/v1/namespaces/by-hand", { apiVersion: "v1", kind: "Namespace", metadata: { name: "by-hand" } });
  await expect(look([person("emil", "namespace-owner", ["by-hand"])])).rejects.toThrow(
    /emil: the namespace by-hand exists already and is nobody's/,
  );
});

test("a quota below what is in use stops the run", async () => {
  const pod = { containers: [{ name: "a", image: "none.test/none:1", resources: { requests: { cpu: "1500m" } } }] };
  await put("/api/v1/namespaces/diana-one/pods/big", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "big" },
    spec: pod,
  });
  await eventually("the quota's status", async () => {
    const { body } = await lab.admin("GET", "/api/v1/namespaces/diana-one/resourcequotas/quota");
    return body.status.used["requests.cpu"] === "1500m" || undefined;
  });
  const smaller = { ...OWNER, quota: { ...OWNER.quota, cpu_requests: "1" } };
  await expect(look([smaller])).rejects.toThrow("cpu_requests of diana-one would become 1, and 1500m are in use");
});

test("a cluster that does not answer is not taken for an empty one", async () => {
  const elsewhere = kubeconfig.replaceAll(":6443", ":6444");
  await expect(checkCluster(elsewhere, desired([OWNER]), SETTINGS)).rejects.toThrow(
    /could not be looked at, so nothing was changed: .*connection refused/,
  );
});

describe.skipIf(!existsSync(CRDS))("with External Secrets' own CRDs", () => {
  const store = (conditions?: object[]) => ({
    apiVersion: "external-secrets.io/v1",
    kind: "ClusterSecretStore",
    metadata: { name: "vault-kv" },
    spec: {
      ...(conditions === undefined ? {} : { conditions }),
      provider: {
        vault: {
          server: "https://vault.test",
          path: "secret",
          version: "v2",
          auth: { kubernetes: { mountPath: "kubernetes", role: "eso" } },
        },
      },
    },
  });
  const STORE = "/apis/external-secrets.io/v1/clustersecretstores/vault-kv";
  const newcomer = person("filip", "namespace-owner", ["filip-one"]);

  beforeAll(async () => {
    for (const file of ["external-secrets.io_clustersecretstores.yaml", "external-secrets.io_externalsecrets.yaml"]) {
      const crd = parse(readFileSync(`${CRDS}${file}`, "utf8"));
      await put(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`, crd);
    }
    await put("/apis/rbac.authorization.k8s.io/v1/clusterroles/external-secrets-edit", {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: {
        name: "external-secrets-edit",
        labels: {
          "rbac.authorization.k8s.io/aggregate-to-edit": "true",
          "rbac.authorization.k8s.io/aggregate-to-admin": "true",
        },
      },
      rules: [
        {
          apiGroups: ["external-secrets.io"],
          resources: ["externalsecrets", "secretstores", "pushsecrets"],
          verbs: ["create", "update", "patch", "delete"],
        },
      ],
    });
    await eventually("the store's kind", async () =>
      (await lab.admin("GET", STORE.replace("/vault-kv", ""))).status === 200 ? true : undefined,
    );
  });

  afterAll(async () => {
    await lab.admin("DELETE", STORE);
    await lab.admin("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles/external-secrets-edit");
  });

  test("a store without conditions stops the hand-out of a namespace, and is said for those that exist", async () => {
    await put(STORE, store());
    await expect(look([OWNER, newcomer])).rejects.toThrow(
      /filip-one: an admin there could read and write all that the ClusterSecretStore vault-kv opens/,
    );
    expect((await look([OWNER])).warnings).toContain(
      "The ClusterSecretStore vault-kv can be used from tenants' namespaces: diana-one.",
    );
  });

  test("a store whose conditions leave tenants out is no reason to stop", async () => {
    await put(
      STORE,
      store([{ namespaceSelector: { matchExpressions: [{ key: "workstation/owner", operator: "DoesNotExist" }] } }]),
    );
    expect((await look([OWNER, newcomer])).warnings.filter((line) => line.includes("vault-kv"))).toEqual([]);
  });

  test("an owner may make an ExternalSecret at home and no store for the whole cluster", async () => {
    const { commandLine } = await openSignIn(lab);
    const as = lab.as(token(commandLine, "diana@people.test"));
    const secret = {
      secretStoreRef: { kind: "ClusterSecretStore", name: "vault-kv" },
      data: [{ secretKey: "a", remoteRef: { key: "diana-k8s", property: "a" } }],
    };
    const object = {
      apiVersion: "external-secrets.io/v1",
      kind: "ExternalSecret",
      metadata: { generateName: "try-" },
      spec: secret,
    };
    const made = await eventually("the aggregated right", async () => {
      const { status } = await as("POST", "/apis/external-secrets.io/v1/namespaces/diana-one/externalsecrets", object);
      return status === 403 ? undefined : status;
    });
    expect(made).toBe(201);
    expect((await as("POST", STORE.replace("/vault-kv", ""), store())).status).toBe(403);
  });
});
