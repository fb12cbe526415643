/** Starts the lab's own containerd, with nothing in the places where a system's containerd keeps its files. */
import { mkdir } from "node:fs/promises";
import type { Instance } from "../instance.ts";
import { startServer } from "../process/start.ts";
import { replaceFile } from "../replace-file.ts";
import { run } from "../run.ts";
import type { InNodeSpace } from "./node-namespaces.ts";

/** Name of the image that holds a pod's namespaces. */
export const PAUSE_IMAGE = "localhost/pause:lab";

/** Path of the socket, for `ctr` and the kubelet. */
export const containerdSocket = (instance: Instance): string => instance.path("containerd", "socket");

/** Starts containerd with a bridge network for pods. */
export async function startContainerd(instance: Instance, inNodeSpace: InNodeSpace): Promise<void> {
  const dir = instance.path("containerd");
  await mkdir(instance.path("containerd", "net.d"), { recursive: true });
  await replaceFile(
    instance.path("containerd", "net.d", "10-bridge.conflist"),
    JSON.stringify(network(instance), null, 2),
  );
  await replaceFile(instance.path("containerd", "config.toml"), configuration(instance, dir));
  await startServer(instance, {
    name: "containerd",
    reads: [`${dir}/config.toml`, `${dir}/net.d/10-bridge.conflist`],
    argv: inNodeSpace(["containerd", "--config", `${dir}/config.toml`]),
    ready: async () => {
      await run(["ctr", "--address", containerdSocket(instance), "version"], { timeoutMs: 5_000 });
      return true;
    },
    withinMs: 30_000,
  });
}

/** Service addresses are translated on the pod's bridge too, so a pod can reach itself through its Service. */
const network = (instance: Instance): object => ({
  cniVersion: "0.4.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "pods",
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        ranges: [[{ subnet: instance.address.podRange }]],
        routes: [{ dst: "0.0.0.0/0" }],
      },
    },
    { type: "loopback" },
  ],
});

/** `restrict_oom_score_adj`: without it runc cannot start a container here, for it may not lower the score. */
const configuration = (instance: Instance, dir: string): string => `version = 2
root = "${dir}/root"
state = "${dir}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]

[grpc]
  address = "${containerdSocket(instance)}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${dir}/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
`;
