/** Starts etcd, the API server, the controller manager and the scheduler of the lab's cluster. */
import { mkdir, writeFile } from "node:fs/promises";
import type { Instance } from "../instance.ts";
import type { ServerSpec } from "../process/server-spec.ts";
import { startServer } from "../process/start.ts";
import type { Toolchain } from "../toolchain/index.ts";
import { answers } from "./http-ready.ts";
import type { Certificates } from "./certificates.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

export interface ControlPlane {
  /** `https://…:6443`, reachable from the host, the DevVM and the pods. */
  readonly server: string;
  /** One JSON line for every write that the API server was asked for. */
  readonly auditLog: string;
  /** The AuthenticationConfiguration; the API server takes up a change of it within a minute. */
  readonly authenticationFile: string;
}

/** Starts the control plane; when it returns, the API server answers and both controllers are healthy. */
export async function startControlPlane(
  instance: Instance,
  tools: Toolchain,
  certs: Certificates,
): Promise<ControlPlane> {
  const plane = {
    server: `https://${instance.address.lab}:6443`,
    auditLog: instance.path("api-server", "audit.log"),
    authenticationFile: instance.path("api-server", "authentication.json"),
  };
  await startServer(instance, etcd(instance, (await tools.get("etcd")).file("etcd")));
  const kubernetes = await tools.get("kubernetes");
  await writeConfiguration(instance, plane);
  await startServer(instance, apiServer(instance, kubernetes.file("kube-apiserver"), certs, plane));
  const start = async (name: "controller-manager" | "scheduler", more: readonly string[]) => {
    const config = await writeKubeconfig(instance.path(`${name}.kubeconfig`), plane.server, certs, { client: name });
    const flags = [...controllerFlags(instance, config), ...more];
    await startServer(instance, controller(instance, name, kubernetes.file(`kube-${name}`), certs, flags));
  };
  await Promise.all([start("controller-manager", accountFlags(certs)), start("scheduler", [])]);
  return plane;
}

/** Without TLS: it listens on the loopback of the lab's namespace, which neither pods nor the DevVM share. */
const etcd = (instance: Instance, program: string): ServerSpec => ({
  name: "etcd",
  argv: [
    program,
    "--name=lab",
    `--data-dir=${instance.path("etcd", "data")}`,
    "--listen-client-urls=http://127.0.0.1:2379",
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=lab=http://127.0.0.1:2380",
    `--listen-metrics-urls=http://${instance.address.lab}:2381`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ],
  ready: () => answers(`http://${instance.address.lab}:2381/readyz`),
  withinMs: 30_000,
});

const apiServer = (instance: Instance, program: string, certs: Certificates, plane: ControlPlane): ServerSpec => ({
  name: "api-server",
  // Not the authentication file, which it takes up by itself.
  reads: [instance.path("api-server", "audit-policy.json"), certs.apiServer.cert],
  argv: [
    program,
    "--etcd-servers=http://127.0.0.1:2379",
    `--advertise-address=${instance.address.lab}`,
    "--secure-port=6443",
    `--service-cluster-ip-range=${instance.address.serviceRange}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    `--authentication-config=${plane.authenticationFile}`,
    `--client-ca-file=${certs.ca.cert}`,
    `--tls-cert-file=${certs.apiServer.cert}`,
    `--tls-private-key-file=${certs.apiServer.key}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-signing-key-file=${certs.accountKey}`,
    `--service-account-key-file=${certs.accountKey}`,
    `--kubelet-client-certificate=${certs.clients["kubelet-client"].cert}`,
    `--kubelet-client-key=${certs.clients["kubelet-client"].key}`,
    `--kubelet-certificate-authority=${certs.ca.cert}`,
    "--kubelet-preferred-address-types=InternalIP",
    `--audit-policy-file=${instance.path("api-server", "audit-policy.json")}`,
    `--audit-log-path=${plane.auditLog}`,
    "--audit-log-maxsize=200",
    "--audit-log-maxbackup=2",
    "--shutdown-delay-duration=0s",
  ],
  ready: () => answers(`${plane.server}/readyz`, { ca: certs.ca.cert }),
  withinMs: 90_000,
});

/** The controller manager or the scheduler: both talk to the API server and serve nothing but their health. */
const controller = (
  instance: Instance,
  name: "controller-manager" | "scheduler",
  program: string,
  certs: Certificates,
  argv: readonly string[],
): ServerSpec => ({
  name,
  argv: [
    program,
    ...argv,
    `--tls-cert-file=${certs.kubeletServing.cert}`,
    `--tls-private-key-file=${certs.kubeletServing.key}`,
  ],
  ready: () => answers(`https://${instance.address.lab}:${HEALTH_PORTS[name]}/healthz`, { ca: certs.ca.cert }),
  withinMs: 60_000,
});

const HEALTH_PORTS = { "controller-manager": 10257, scheduler: 10259 } as const;

const accountFlags = (certs: Certificates): readonly string[] => [
  "--use-service-account-credentials=true",
  `--service-account-private-key-file=${certs.accountKey}`,
  `--root-ca-file=${certs.ca.cert}`,
  `--cluster-signing-cert-file=${certs.ca.cert}`,
  `--cluster-signing-key-file=${certs.ca.key}`,
];

/** One of each runs, so nobody has to be elected, which would cost 15 s at each restart. */
const controllerFlags = (instance: Instance, config: string): readonly string[] => [
  `--kubeconfig=${config}`,
  `--authentication-kubeconfig=${config}`,
  `--authorization-kubeconfig=${config}`,
  "--leader-elect=false",
  `--bind-address=${instance.address.lab}`,
];

async function writeConfiguration(instance: Instance, plane: ControlPlane): Promise<void> {
  await mkdir(instance.path("api-server"), { recursive: true });
  const write = (path: string, value: object, flag: string) =>
    writeFile(path, JSON.stringify(value, null, 2), { flag });
  await write(instance.path("api-server", "audit-policy.json"), AUDIT_POLICY, "w");
  // Tests replace this one while the server runs, so an existing file stays.
  await write(plane.authenticationFile, AUTHENTICATION, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
}

/** Writes, and who asked for them: enough to count what a run changed. Heartbeats and events would drown it. */
const AUDIT_POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "None", verbs: ["get", "list", "watch"] },
    {
      level: "None",
      resources: [
        { group: "coordination.k8s.io", resources: ["leases"] },
        { group: "", resources: ["events"] },
        { group: "events.k8s.io", resources: ["events"] },
      ],
    },
    { level: "Metadata" },
  ],
};

const AUTHENTICATION = {
  apiVersion: "apiserver.config.k8s.io/v1",
  kind: "AuthenticationConfiguration",
  jwt: [],
  anonymous: { enabled: true, conditions: ["/livez", "/readyz", "/healthz", "/version"].map((path) => ({ path })) },
};
