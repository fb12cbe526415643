/**
 * Lists the servers and tools that the lab builds from pinned Go modules; `modules/<tool>` holds their go.mod and
 * go.sum.
 */

export interface Recipe {
  /** What is built, as Go packages. */
  readonly packages: readonly string[];
  /** Beside `-mod=readonly` and `-trimpath`, which all get. */
  readonly flags: readonly string[];
  /** Programs whose name is not the last part of their package. */
  readonly rename?: Readonly<Record<string, string>>;
  /** Files of a module that the program needs at run time, copied beside it as `to`. */
  readonly copies?: readonly { readonly module: string; readonly from: string; readonly to: string }[];
  /** What building it adds to Go's caches at the most, in GB (measured cold, alone). */
  readonly cacheGb: number;
}

const STRIPPED = "-s -w";
const KUBE_VERSION = "k8s.io/component-base/version";
const PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3";
const KUBERNETES_PLUGIN = "github.com/pulumi/pulumi-kubernetes/provider/v4";
const FORGE = "code.gitea.io/gitea";

/** The engine's version: an official `pulumi` is taken where it is this one. */
export const ENGINE_VERSION = "v3.250.0";

/** The release of the official Kubernetes plugin that its go.mod pins by the release's commit. */
export const KUBERNETES_PLUGIN_VERSION = "4.25.0";

/** In the order in which they are built: what the main job needs first stands first. */
export const TOOLS = {
  "language-host": {
    packages: [`${PULUMI_SDK}/nodejs/cmd/pulumi-language-nodejs`],
    flags: ["-ldflags", STRIPPED],
    copies: [
      {
        module: PULUMI_SDK,
        from: "nodejs/dist/pulumi-resource-pulumi-nodejs",
        to: "pulumi-resource-pulumi-nodejs",
      },
    ],
    cacheGb: 1,
  },
  engine: {
    packages: ["github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
    flags: ["-ldflags", `${STRIPPED} -X ${PULUMI_SDK}/go/common/version.Version=${ENGINE_VERSION}`],
    cacheGb: 4,
  },
  etcd: {
    packages: ["go.etcd.io/etcd/server/v3"],
    flags: ["-ldflags", STRIPPED],
    rename: { server: "etcd" },
    cacheGb: 1,
  },
  kubernetes: {
    packages: ["apiserver", "controller-manager", "scheduler", "proxy"]
      .map((part) => `kube-${part}`)
      .concat("kubelet", "kubectl")
      .map((program) => `k8s.io/kubernetes/cmd/${program}`),
    flags: [
      "-ldflags",
      `${STRIPPED} -X ${KUBE_VERSION}.gitVersion=v1.36.3 -X ${KUBE_VERSION}.gitMajor=1 -X ${KUBE_VERSION}.gitMinor=36`,
    ],
    cacheGb: 5,
  },
  forge: {
    packages: [FORGE],
    flags: ["-tags", "sqlite,sqlite_unlock_notify", "-ldflags", `${STRIPPED} -X main.Version=1.26.0`],
    copies: ["templates", "options", "public"].map((folder) => ({ module: FORGE, from: folder, to: folder })),
    cacheGb: 3,
  },
  vault: {
    packages: [
      "github.com/hashicorp/vault",
      "github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes",
    ],
    flags: ["-tags", "minimal", "-ldflags", STRIPPED],
    cacheGb: 5,
  },
  rclone: { packages: ["github.com/rclone/rclone"], flags: ["-ldflags", STRIPPED], cacheGb: 3 },
  "plugin-kubernetes": {
    packages: ["lab/plugin-kubernetes"],
    flags: ["-ldflags", `${STRIPPED} -X main.version=${KUBERNETES_PLUGIN_VERSION}`],
    rename: { "plugin-kubernetes": "pulumi-resource-kubernetes" },
    copies: [{ module: KUBERNETES_PLUGIN, from: "cmd/pulumi-resource-kubernetes/schema.json", to: "schema.json" }],
    cacheGb: 4,
  },
} as const satisfies Record<string, Recipe>;

export type Tool = keyof typeof TOOLS;

export const TOOL_NAMES = Object.keys(TOOLS) as Tool[];

/** What `make build` builds. The official plugin takes long, so only `PLUGINS=official` builds it. */
export const STANDARD_TOOLS: readonly Tool[] = TOOL_NAMES.filter((tool) => tool !== "plugin-kubernetes");

/** The tools that servers and the deployment of a roster need. The others are built when a test needs them. */
export const LAB_TOOLS: readonly Tool[] = STANDARD_TOOLS.filter((tool) => tool !== "rclone");

/** These tools, and the official plugin where that is the kind. */
export const toolsFor = (kind: "official" | "emulated", tools: readonly Tool[]): readonly Tool[] =>
  kind === "official" ? [...tools, "plugin-kubernetes"] : tools;

/** Minutes of one processor that a build takes (measured cold). */
export const BUILD_MINUTES: Readonly<Record<Tool, number>> = {
  "language-host": 1,
  engine: 6,
  etcd: 1,
  kubernetes: 10,
  forge: 7,
  vault: 20,
  rclone: 5,
  "plugin-kubernetes": 20,
};

/** The programs a tool consists of. */
export function programsOf(tool: Recipe): string[] {
  return tool.packages.map((path) => {
    const name =
      path
        .replace(/\/v\d+$/, "")
        .split("/")
        .at(-1) ?? path;
    return tool.rename?.[name] ?? name;
  });
}
