/**
 * Runs the site in the lab's cluster: deploys it by the real engine, with a volume and a Drive, and sends visitors to
 * it.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SYNC_USER } from "../../../components/stem95su/pod-security.ts";
import { ensureImage } from "../../../lab/cluster/images.ts";
import { rcloneImage } from "../../../lab/cluster/rclone-image.ts";
import { clusterFact } from "../../../lab/cluster/cluster.ts";
import { throwAwayCertificate } from "../../../lab/drive/certificate.ts";
import { type Drive, startDrive } from "../../../lab/drive/server.ts";
import { readRecord } from "../../../lab/process/record.ts";
import { type Ran, run } from "../../../lab/run.ts";
import { openToolchain } from "../../../lab/toolchain/index.ts";
import type { Stem95suSettings } from "../../../config/settings/stem95su.ts";
import { eventually } from "../cluster/api.ts";
import { type LabCluster, openLabCluster } from "../cluster/lab-cluster.ts";
import { type FixtureStack, openStack } from "../plugins/stack.ts";

export const NAMESPACE = "stem95su";

export interface House {
  readonly cluster: LabCluster;
  readonly drive: Drive;
  /** The engine's stack of the site and nothing else. */
  readonly stack: FixtureStack;
  /** Brings the site into the cluster as the program does, by the real engine, and answers what that said. */
  apply(change?: Partial<Stem95suSettings>): Promise<string>;
  /** Does what External Secrets would do with the ExternalSecret that lies in the cluster. */
  giveSecret(value: string): Promise<void>;
  kubectl(...args: readonly string[]): Promise<Ran>;
  /** Runs the CronJob's job now and waits for its end. */
  sync(): Promise<JobEnd>;
  /** As `sync`, without waiting. */
  startSync(): Promise<string>;
  endOf(job: string): Promise<JobEnd>;
  /** What a visitor gets, in the order of the paths; from the Service where no other address is given. */
  get(paths: readonly string[], from?: string): Promise<readonly Reply[]>;
  /** A visitor who comes again and again, until told to stop; then what they were answered, in order. */
  visitor(paths: readonly string[]): Promise<{ stop(): Promise<readonly Visit[]> }>;
  /** Runs a command where the node's mounts are seen. */
  onNode(...argv: readonly string[]): Promise<Ran>;
  readonly volume: string;
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Visit {
  readonly path: string;
  readonly status: number;
  readonly text: string;
}

export interface JobEnd {
  readonly outcome: "Complete" | "Failed";
  readonly log: string;
  /** What `kubectl describe` shows of a pod that failed. */
  readonly message: string;
}

/** External Secrets' own definitions, where they are at hand beside the project. */
export const ESO_CRD = fileURLToPath(
  new URL("../../../../shared/data/external-secrets.io_externalsecrets.yaml", import.meta.url),
);

/** Whether they are; a test that wants them says so in a line and does not run without. */
export const hasEsoCrd = (): Promise<boolean> =>
  access(ESO_CRD).then(
    () => true,
    () => false,
  );

/** @param volumeMb size of the content volume, a file system of its own */
export async function openHouse(volumeMb: number): Promise<House> {
  const cluster = await openLabCluster();
  const { instance, admin, adminKubeconfig } = cluster;
  const { kubectl: program } = await clusterFact.read(instance);
  await ensureImage(instance, rcloneImage(await openToolchain(["rclone"]).get("rclone")));
  const kubectl = (...args: readonly string[]) =>
    run([program, `--kubeconfig=${adminKubeconfig}`, ...args], { timeoutMs: 120_000 });
  const { pid } = (await readRecord(instance, "node-space")) ?? { pid: 0 };
  const onNode = (...argv: readonly string[]) => run(["nsenter", `--mount=/proc/${pid}/ns/mnt`, "--", ...argv]);

  const volume = instance.path("volumes", NAMESPACE);
  await mkdir(volume, { recursive: true });
  await onNode("mount", "-t", "tmpfs", "-o", `size=${volumeMb}m,uid=${SYNC_USER},mode=755`, "stem95su", volume);
  await kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found");
  await kubectl("delete", "pv", VOLUME_NAME, "--ignore-not-found");
  await admin("POST", "/api/v1/persistentvolumes", persistentVolume(volume, volumeMb));
  if (await hasEsoCrd()) await kubectl("apply", "--server-side", "--filename", ESO_CRD);
  else await admin("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", ANY_EXTERNAL_SECRET);
  await kubectl("wait", "--for=condition=Established", "crd/externalsecrets.external-secrets.io");

  // Pods reach the test's own Drive on the host's end of the uplink, which knows no way back to a pod's address.
  const nft = (...words: readonly string[]) => run(instance.inside(["nft", ...words]));
  await nft("add", "table", "ip", WAY_OUT);
  await nft("add", "chain", "ip", WAY_OUT, "out", "{ type nat hook postrouting priority srcnat; }");
  await nft(
    "add",
    "rule",
    "ip",
    WAY_OUT,
    "out",
    "ip",
    "saddr",
    instance.address.podRange,
    "oifname",
    "uplink",
    "masquerade",
  );
  const drive = await startDrive(instance.address.host, await throwAwayCertificate());

  const stack = await openStack("stem95su", { FIXTURE_KUBECONFIG: adminKubeconfig }, "kubernetes");

  const jobsPath = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs`;
  let jobs = 0;
  const startSync = async () => {
    const name = `by-hand-${++jobs}`;
    await kubectl("-n", NAMESPACE, "create", "job", name, "--from=cronjob/stem95su-gdrive-sync");
    return name;
  };
  const endOf = async (job: string): Promise<JobEnd> => {
    const outcome = await eventually(
      `the end of job ${job}`,
      async () => {
        const { body } = await admin("GET", `${jobsPath}/${job}`);
        const conditions: { type: string; status: string }[] = body.status?.conditions ?? [];
        return conditions.find(({ type, status }) => (type === "Complete" || type === "Failed") && status === "True")
          ?.type;
      },
      180_000,
    );
    const pods = await admin("GET", `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=job-name%3D${job}`);
    const name: string | undefined = pods.body.items[0]?.metadata.name;
    const ended = pods.body.items[0]?.status.containerStatuses?.[0]?.state.terminated;
    const log = name === undefined ? "" : (await kubectl("-n", NAMESPACE, "logs", name)).stdout;
    return { outcome: outcome as JobEnd["outcome"], log, message: ended?.message ?? "" };
  };
  const address = async () => {
    const { body } = await admin("GET", `/api/v1/namespaces/${NAMESPACE}/services/web`);
    return body.spec.clusterIP as string;
  };
  return {
    cluster,
    drive,
    volume,
    kubectl,
    onNode,
    stack,
    async apply(change) {
      const { code, output } = await stack.pulumi(["up", "--skip-preview", "--diff"], { ...SETTINGS, ...change });
      if (code !== 0) throw new Error(output);
      return output;
    },
    async giveSecret(value) {
      const { body } = await admin(
        "GET",
        `/apis/external-secrets.io/v1/namespaces/${NAMESPACE}/externalsecrets/stem95su-rclone`,
      );
      const [entry] = body.spec.data;
      await kubectl("-n", NAMESPACE, "delete", "secret", body.spec.target.name, "--ignore-not-found");
      const data = { [entry.secretKey]: Buffer.from(value).toString("base64") };
      await admin("POST", `/api/v1/namespaces/${NAMESPACE}/secrets`, {
        metadata: { name: body.spec.target.name },
        data,
      });
    },
    startSync,
    endOf,
    sync: async () => endOf(await startSync()),
    async get(paths, from) {
      const base = `http://${from ?? (await address())}`;
      const { stdout } = await run(instance.inside([process.execPath, "--eval", ASK, base, ...paths]));
      return JSON.parse(stdout) as Reply[];
    },
    async visitor(paths) {
      const [file, ...args] = instance.inside([
        process.execPath,
        "--import",
        "tsx",
        VISITOR,
        `http://${await address()}`,
        ...paths,
      ]);
      const child = spawn(file, args, {
        stdio: ["pipe", "pipe", "inherit"],
        cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      });
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
      await eventually("the first visit", async () => said || undefined);
      return {
        async stop() {
          child.stdin.end();
          await once(child, "close");
          return said
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line) as Visit);
        },
      };
    },
    async close() {
      await kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found");
      await kubectl("delete", "pv", VOLUME_NAME, "--ignore-not-found");
      await nft("delete", "table", "ip", WAY_OUT);
      await onNode("umount", volume);
      await stack.remove();
      await rm(STACK_FILE, { force: true });
      await drive.close();
    },
  };
}

/** The stack's settings by default, with what this cluster has. */
export const SETTINGS = {
  host: "stem95su.example.org",
  volumeSize: "16Mi",
  storageClass: "by-hand",
} as const satisfies Partial<Stem95suSettings>;

/** Written by the engine beside the fixture. */
const STACK_FILE = fileURLToPath(new URL("../fixtures/stem95su/Pulumi.test.yaml", import.meta.url));

const VOLUME_NAME = "stem95su-content";
const WAY_OUT = "stem95su-drive";

const persistentVolume = (path: string, megabytes: number) => ({
  metadata: { name: VOLUME_NAME },
  spec: {
    capacity: { storage: `${megabytes}Mi` },
    accessModes: ["ReadWriteOnce"],
    storageClassName: "by-hand",
    persistentVolumeReclaimPolicy: "Retain",
    hostPath: { path },
  },
});

/** Stands for External Secrets' definition where that is not at hand: takes anything. */
const ANY_EXTERNAL_SECRET = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "externalsecrets.external-secrets.io" },
  spec: {
    group: "external-secrets.io",
    scope: "Namespaced",
    names: { kind: "ExternalSecret", plural: "externalsecrets", singular: "externalsecret" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

const VISITOR = fileURLToPath(new URL("../fixtures/visitor.ts", import.meta.url));

const ASK = `(async () => {
  const [base, ...paths] = process.argv.slice(1);
  const replies = [];
  for (const path of paths) {
    const reply = await fetch(base + "/" + path);
    replies.push({ status: reply.status, text: await reply.text(), headers: Object.fromEntries(reply.headers) });
  }
  process.stdout.write(JSON.stringify(replies));
})()`;
