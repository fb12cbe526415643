/** The lab's cluster: a control plane and a node that really run pods, in a lab of its own. Needs root and the toolchain. */
import { readFile, rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clusterFact, startCluster } from "../../lab/cluster/cluster.ts";
import { NGINX_IMAGE } from "../../lab/cluster/nginx-image.ts";
import { closeNetwork, type Instance, openInstance } from "../../lab/instance.ts";
import { PARTS } from "../../lab/parts.ts";
import { stopServers } from "../../lab/process/stop.ts";
import { run } from "../../lab/run.ts";
import { openToolchain } from "../../lab/toolchain/index.ts";

let lab: Instance;
let kubectl: (args: readonly string[], input?: object) => Promise<string>;

beforeAll(async () => {
  lab = await openInstance("t-cluster");
  await startCluster(lab, openToolchain(["etcd", "kubernetes"]));
  const facts = await clusterFact.read(lab);
  kubectl = async (args, input) => {
    const argv = [facts.kubectl, "--kubeconfig", facts.adminKubeconfig, ...args] as const;
    return (await run([...argv], { timeoutMs: 120_000, input: input === undefined ? "" : JSON.stringify(input) }))
      .stdout;
  };
  await kubectl(["apply", "--filename=-"], { apiVersion: "v1", kind: "List", items: [site, siteService, cronJob] });
  await kubectl(["rollout", "status", "deployment/site", "--timeout=90s"]);
});
afterAll(async () => {
  await stopServers(lab);
  for (const part of PARTS) await part.clean?.(lab);
  await closeNetwork(lab);
  await rm(lab.dir, { recursive: true });
});

const unprivileged = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  runAsNonRoot: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};
const site = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "site", namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "site" } },
    template: {
      metadata: { labels: { app: "site" } },
      spec: {
        containers: [
          {
            name: "nginx",
            image: NGINX_IMAGE,
            securityContext: unprivileged,
            readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
            volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
          },
        ],
        volumes: [{ name: "tmp", emptyDir: {} }],
      },
    },
  },
};
const siteService = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "site", namespace: "default" },
  spec: { selector: { app: "site" }, ports: [{ port: 80, targetPort: 8080 }] },
};
const cronJob = {
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "tick", namespace: "default" },
  spec: {
    schedule: "0 0 1 1 *",
    jobTemplate: {
      spec: {
        template: {
          spec: {
            restartPolicy: "Never",
            containers: [
              { name: "tick", image: NGINX_IMAGE, command: ["sh", "-c", "echo ticked"], securityContext: unprivileged },
            ],
          },
        },
      },
    },
  },
};

test("the node is Ready, and two unprivileged pods of a Deployment are", async () => {
  const [status] = JSON.parse(await kubectl(["get", "nodes", "--output=jsonpath=[{.items[*].status.conditions}]"]));
  expect(status.find((condition: { type: string }) => condition.type === "Ready")).toMatchObject({ status: "True" });
  expect(await kubectl(["get", "deployment", "site", "--output=jsonpath={.status.readyReplicas}"])).toBe("2");
});

test("a Service answers inside the lab's network and from a pod, and the pod's log tells of it", async () => {
  const address = await kubectl(["get", "service", "site", "--output=jsonpath={.spec.clusterIP}"]);
  // kube-proxy gathers changes for a second before it writes its rules.
  const patient = ["--silent", "--fail", "--retry", "5", "--retry-connrefused", "--max-time", "10"];
  const outside = await run(lab.inside(["curl", ...patient, `http://${address}/?from=lab`]));
  expect(outside.stdout).toContain("Welcome to nginx");
  const inside = await kubectl(["exec", "deployment/site", "--", "wget", "-q", "-O-", `http://${address}/?from=pod`]);
  expect(inside).toContain("Welcome to nginx");
  const log = await kubectl(["logs", "--selector=app=site", "--tail=-1"]);
  expect(log).toContain("GET /?from=lab");
  expect(log).toContain("GET /?from=pod");
});

test("a pod finds a Service by its short and its full name, and learns at once that the world is out of reach", async () => {
  const ask = (name: string) => kubectl(["exec", "deployment/site", "--", "wget", "-q", "-O-", `http://${name}/`]);
  expect(await ask("site")).toContain("Welcome to nginx");
  expect(await ask("site.default.svc.cluster.local")).toContain("Welcome to nginx");
  await expect(ask("nobody")).rejects.toThrow(/bad address/);
  const startedMs = Date.now();
  await expect(ask("example.com")).rejects.toThrow(/bad address/);
  expect(Date.now() - startedMs).toBeLessThan(4_000);
});

test("a job that a CronJob starts completes and says what it did", async () => {
  await kubectl(["create", "job", "--from=cronjob/tick", "now"]);
  await kubectl(["wait", "--for=condition=complete", "job/now", "--timeout=60s"]);
  expect(await kubectl(["logs", "job/now"])).toBe("ticked\n");
});

test("the roles that other roles are gathered into are filled, so a denial is not one for want of a controller", async () => {
  const rules = JSON.parse(await kubectl(["get", "clusterrole", "view", "--output=json"])).rules;
  expect(rules.length).toBeGreaterThan(5);
});

test("a namespace that asks for restricted pods refuses a privileged one, and takes an unprivileged one", async () => {
  const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
  await kubectl(["apply", "--filename=-"], {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "strict", labels },
  });
  const pod = (securityContext: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe", namespace: "strict" },
    spec: { containers: [{ name: "it", image: NGINX_IMAGE, securityContext }] },
  });
  const create = (securityContext: object) =>
    kubectl(["create", "--dry-run=server", "--filename=-"], pod(securityContext));
  await expect(create({ privileged: true })).rejects.toThrow(/violates PodSecurity "restricted/);
  expect(await create(unprivileged)).toContain("pod/probe created");
});

test("the audit log tells every write with who and what, and no read", async () => {
  await kubectl(["create", "configmap", "counted"]);
  await kubectl(["get", "configmap", "counted"]);
  const { auditLog } = await clusterFact.read(lab);
  const events = (await readFile(auditLog, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const ours = events.filter(({ objectRef }) => objectRef?.resource === "configmaps" && objectRef.name === "counted");
  expect(ours.map(({ verb, user }) => [verb, user.username])).toEqual([["create", "lab-admin"]]);
});

test("nothing of the node is seen on the host: no mount, no rule, no kernel value", async () => {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  expect(mounts.split("\n").filter((line) => line.includes(`${lab.dir}/`))).toEqual([]);
  expect((await run(["nft", "list", "ruleset"])).stdout).not.toContain("kube-proxy");
  const pods = await run(lab.inside(["nft", "list", "tables"]));
  expect(pods.stdout).toContain("table ip kube-proxy");
});

test("starting a cluster that runs changes nothing and takes no time", async () => {
  const before = await run(["ls", "-l", "--full-time", lab.path("run")]);
  const startedMs = Date.now();
  await startCluster(lab, openToolchain(["etcd", "kubernetes"]));
  expect(Date.now() - startedMs).toBeLessThan(10_000);
  const recordsOf = (text: string) => text.split("\n").filter((line) => line.endsWith(".json"));
  expect(recordsOf((await run(["ls", "-l", "--full-time", lab.path("run")])).stdout)).toEqual(recordsOf(before.stdout));
});
