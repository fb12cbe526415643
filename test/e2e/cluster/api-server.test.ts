/** The API server's sign-in put into a control plane: a real API server that the lab's kubelet runs from its static manifest. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { standardInput } from "../../../components/cluster/api-server/api-server-sign-in.ts";
import { authenticationText } from "../../../components/cluster/api-server/authentication.ts";
import type { ControlPlanePaths } from "../../../components/cluster/api-server/program/contract.ts";
import { type Certificates, ensureCertificates } from "../../../lab/cluster/certificates.ts";
import { clusterFact } from "../../../lab/cluster/cluster.ts";
import {
  startStaticApiServer,
  type StaticApiServer,
  stopStaticApiServer,
  untilLive,
  writeManifest,
} from "../../../lab/cluster/static-api-server.ts";
import { type Issuer, type Issuers, startIssuers } from "../../../lab/oidc/issuers.ts";
import { run } from "../../../lab/run.ts";
import { openToolchain } from "../../../lab/toolchain/index.ts";
import { signInProgram } from "../../../stacks/bundled-programs.ts";
import { apiAs, eventually } from "./api.ts";
import { type LabCluster, openLabCluster } from "./lab-cluster.ts";
import { token } from "./sign-in.ts";

let lab: LabCluster;
let certs: Certificates;
let plane: StaticApiServer;
let issuers: Issuers;
let places: ControlPlanePaths;

beforeAll(async () => {
  lab = await openLabCluster();
  certs = await ensureCertificates(lab.instance);
  issuers = await startIssuers(lab.instance, certs);
  plane = await startStaticApiServer(lab.instance, await openToolchain(["kubernetes"]).get("kubernetes"), certs);
  await makeKubeadmConfig();
  places = {
    manifest: plane.manifest,
    folder: `${plane.folder}/authentication`,
    adminKubeconfig: plane.adminKubeconfig,
    kubectl: (await clusterFact.read(lab.instance)).kubectl,
    livez: plane.livez,
    caFile: certs.ca.cert,
    withinMs: 120_000,
  };
});

afterAll(() => stopStaticApiServer(plane));

const admin = () => apiAs(plane.server, certs.ca.cert, certs.clients.admin);
const CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config";

async function makeKubeadmConfig(): Promise<void> {
  const ClusterConfiguration =
    "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nkubernetesVersion: v1.36.3\napiServer:\n  extraArgs:\n  - name: oidc-issuer-url\n    value: https://old.test/\n";
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "kubeadm-config", namespace: "kube-system" },
    data: { ClusterConfiguration },
  };
  await eventually("kubeadm's ConfigMap", async () => {
    const { status } = await admin()(
      "PATCH",
      `${CONFIG_MAP}?fieldManager=kubeadm&force=true`,
      object,
      "application/apply-patch+yaml",
    );
    return status <= 201 || undefined;
  });
}

const authentication = (urls: readonly string[] = [issuers.commandLine.url, issuers.dashboard.url]) =>
  authenticationText(urls.map((url) => ({ url, audiences: ["kubernetes"], caPem: issuers.caPem })));

/** As the command provider runs it on the machine, only without the SSH before it. */
const install = (text: string, more: Partial<ControlPlanePaths> = {}) =>
  run(["node", "--input-type=commonjs", "-"], {
    input: standardInput(signInProgram(), { version: 1, authentication: text, paths: { ...places, ...more } }),
    timeoutMs: 400_000,
    accept: [0, 1],
  });

const whoIs = async (issuer: Issuer) => {
  const as = apiAs(plane.server, certs.ca.cert, { token: token(issuer, "anca@people.test") });
  const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const { status, body } = await as("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review);
  return status === 201 ? body.status.userInfo.username : status;
};

const kubeadmSays = async () => parse((await admin()("GET", CONFIG_MAP)).body.data.ClusterConfiguration).apiServer;
const manifest = () => readFileSync(plane.manifest, "utf8");
const container = async () => {
  const { body } = await lab.admin("GET", "/api/v1/namespaces/kube-system/pods/kube-apiserver-lab");
  return body.status?.containerStatuses?.[0]?.containerID as string | undefined;
};

/** Asks all the time whether it lives, until told to stop. */
function watchLife(): () => Promise<number> {
  let watching = true;
  let failures = 0;
  const watcher = (async () => {
    while (watching) {
      const { status } = await admin()("GET", "/livez").catch(() => ({ status: 0 }));
      if (status !== 200) failures += 1;
      await new Promise((next) => setTimeout(next, 50));
    }
  })();
  return async () => {
    watching = false;
    await watcher;
    return failures;
  };
}

test("nobody signs in before", async () => {
  expect(await whoIs(issuers.commandLine)).toBe(401);
});

test("both issuers' tokens are taken after it, and kubeadm is told", { timeout: 400_000 }, async () => {
  const { code, stdout } = await install(authentication());
  expect({ code, lines: stdout.trim().split("\n").length }).toEqual({ code: 0, lines: 2 });
  await eventually("the sign-in", async () =>
    (await whoIs(issuers.dashboard)) === "anca@people.test" ? true : undefined,
  );
  expect(await whoIs(issuers.commandLine)).toBe("anca@people.test");
  const { extraArgs, extraVolumes } = await kubeadmSays();
  expect(extraArgs).toEqual([{ name: "authentication-config", value: expect.stringContaining(places.folder) }]);
  expect(extraVolumes.map(({ mountPath }: { mountPath: string }) => mountPath)).toEqual([places.folder]);
});

test("the second run changes nothing and says nothing", async () => {
  const before = [manifest(), await container()];
  expect(await install(authentication())).toMatchObject({ code: 0, stdout: "", stderr: "" });
  expect([manifest(), await container()]).toEqual(before);
});

test("a sign-in that the API server would not start with is refused while the old one goes on serving", async () => {
  const before = manifest();
  const stop = watchLife();
  const { code, stderr } = await install(authentication(["http://not-tls.test/"]));
  expect(await stop()).toBe(0);
  expect(code).toBe(1);
  expect(stderr).toContain("nothing was changed and it goes on serving");
  expect(stderr).toContain("URL scheme must be https");
  expect(manifest()).toBe(before);
  expect(await whoIs(issuers.commandLine)).toBe("anca@people.test");
});

test("an API server that does not come in time gets its former manifest back", { timeout: 400_000 }, async () => {
  const before = manifest();
  const { code, stderr } = await install(authentication([issuers.commandLine.url]), { withinMs: 1_500 });
  expect(code).toBe(1);
  expect(stderr).toContain("the former manifest is back and it lives with that");
  expect(manifest()).toBe(before);
  await eventually("the sign-in", async () =>
    (await whoIs(issuers.dashboard)) === "anca@people.test" ? true : undefined,
  );
});

test("a manifest made anew without the flag, as an upgrade does it, is repaired by the next run", {
  timeout: 400_000,
}, async () => {
  await writeManifest(plane, plane.manifestText);
  await eventually(
    "the server without a sign-in",
    async () => ((await whoIs(issuers.commandLine).catch(() => 0)) === 401 ? true : undefined),
    120_000,
  );
  await untilLive(plane, certs);
  const { code } = await install(authentication());
  expect(code).toBe(0);
  await eventually("the sign-in", async () =>
    (await whoIs(issuers.dashboard)) === "anca@people.test" ? true : undefined,
  );
  expect(manifest()).toContain("--authentication-config=");
});
