/**
 * Adds the sign-in to the two texts that decide how a kubeadm API server starts: its manifest, and the cluster
 * configuration from which kubeadm makes the manifest.
 */

import { parse, stringify } from "yaml";

const FLAG = "authentication-config";
const VOLUME = "authentication-config";

/** @throws Error when the text is no manifest of an API server: then nothing of it is changed */
export function withSignInManifest(text: string, file: string, folder: string): string {
  const pod = parse(text) as Pod;
  const container = pod?.spec?.containers?.find(({ name }) => name === "kube-apiserver");
  if (container === undefined || !Array.isArray(container.command)) {
    throw new Error("the manifest has no container kube-apiserver with a command");
  }
  const mount = { mountPath: folder, name: VOLUME, readOnly: true };
  const volume = { hostPath: { path: folder, type: "DirectoryOrCreate" }, name: VOLUME };
  const changed = {
    ...pod,
    spec: {
      ...pod.spec,
      containers: pod.spec.containers.map((one) =>
        one !== container
          ? one
          : {
              ...one,
              command: [...container.command.filter((word) => !isOurs(word)), `--${FLAG}=${file}`],
              volumeMounts: [...(one.volumeMounts ?? []).filter(({ name }) => name !== VOLUME), mount],
            },
      ),
      volumes: [...(pod.spec.volumes ?? []).filter(({ name }) => name !== VOLUME), volume],
    },
  };
  return same(changed, pod) ? text : stringify(changed, { lineWidth: 0 });
}

/**
 * What `kubeadm upgrade` makes the next manifest from. Both of its forms are known: arguments as a map (v1beta3) and as
 * a list (v1beta4).
 */
export function withSignInClusterConfiguration(text: string, file: string, folder: string): string {
  const configuration = parse(text) as ClusterConfiguration;
  if (configuration?.kind !== "ClusterConfiguration") throw new Error("kubeadm's ClusterConfiguration is not one");
  const isList = configuration.apiVersion !== "kubeadm.k8s.io/v1beta3";
  const server = configuration.apiServer ?? {};
  const volume = { hostPath: folder, mountPath: folder, name: VOLUME, pathType: "DirectoryOrCreate", readOnly: true };
  const changed = {
    ...configuration,
    apiServer: {
      ...server,
      extraArgs: isList ? listWith(server.extraArgs, file) : mapWith(server.extraArgs, file),
      extraVolumes: [...(server.extraVolumes ?? []).filter(({ name }) => name !== VOLUME), volume],
    },
  };
  return same(changed, configuration) ? text : stringify(changed, { lineWidth: 0 });
}

interface Pod {
  readonly spec: {
    readonly containers: readonly {
      readonly name: string;
      readonly command: readonly string[];
      readonly volumeMounts?: readonly { readonly name: string }[];
    }[];
    readonly volumes?: readonly { readonly name: string }[];
  };
}

interface ClusterConfiguration {
  readonly apiVersion: string;
  readonly kind: string;
  readonly apiServer?: {
    readonly extraArgs?: unknown;
    readonly extraVolumes?: readonly { readonly name: string }[];
  };
}

function listWith(args: unknown, file: string): readonly object[] {
  const before = (Array.isArray(args) ? args : []) as readonly { readonly name: string }[];
  return [...before.filter(({ name }) => !isOurs(`--${name}=`)), { name: FLAG, value: file }];
}

function mapWith(args: unknown, file: string): object {
  const before = Object.entries((args ?? {}) as Record<string, string>);
  return Object.fromEntries([...before.filter(([name]) => !isOurs(`--${name}=`)), [FLAG, file]]);
}

/** The older flags of one issuer say the same thing, and the API server refuses to start with both. */
const isOurs = (word: string) => /^--(authentication-config|oidc-[a-z-]+)=/.test(word);

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/** @returns the words of the API server's command line as the manifest has them */
export function commandOf(manifest: string): readonly string[] {
  const pod = parse(manifest) as Pod;
  return pod.spec.containers.find(({ name }) => name === "kube-apiserver")?.command ?? [];
}
