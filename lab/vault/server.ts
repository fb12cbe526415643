/** Starts the server of the lab's Vault, with its storage in the lab's folder. */
import { copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { type Certificates, ensureServingPair } from "../cluster/certificates.ts";
import type { Instance } from "../instance.ts";
import { startServer } from "../process/start.ts";
import { stopServer } from "../process/stop.ts";
import { readIfThere } from "../read-optional.ts";
import { replaceFile } from "../replace-file.ts";
import type { Toolchain, ToolHome } from "../toolchain/index.ts";
import { labVault } from "./api.ts";
import { KUBERNETES_PLUGIN } from "./register-plugin.ts";
import { readVaultKeys } from "./unseal.ts";

export interface VaultServer {
  readonly address: string;
  /** PEM file of the authority of its certificate. */
  readonly caFile: string;
  /** The plugin that signs ServiceAccounts in, where Vault looks for it. */
  readonly pluginFile: string;
}

/** Brings the server up, sealed or unsealed. Storage whose keys were never kept is dropped: nothing can open it. */
export async function startVaultServer(
  instance: Instance,
  tools: Toolchain,
  certificates: Certificates,
  keysFile: string,
): Promise<VaultServer> {
  const home = await tools.get("vault");
  const storage = instance.path("vault", "storage");
  if ((await readVaultKeys(keysFile)) === undefined) {
    await stopServer(instance, NAME);
    await rm(storage, { recursive: true, force: true });
  }
  await mkdir(storage, { recursive: true, mode: 0o700 });
  const plugins = instance.path("vault", "plugins");
  const pluginFile = await copyPlugin(instance, home, plugins);
  const { lab } = instance.address;
  const address = `https://${lab}:8200`;
  const serving = await ensureServingPair(
    instance.path("vault", "tls"),
    { name: "lab-vault", address: lab },
    certificates.ca,
  );
  const settings = {
    storage: { raft: { path: storage, node_id: "lab", performance_multiplier: "1" } },
    listener: [
      {
        tcp: {
          address: `${lab}:8200`,
          cluster_address: `${lab}:8201`,
          tls_cert_file: serving.cert,
          tls_key_file: serving.key,
        },
      },
    ],
    api_addr: address,
    cluster_addr: `https://${lab}:8201`,
    plugin_directory: plugins,
    // The lab's memory may be swapped out: it guards nothing.
    disable_mlock: true,
  };
  const settingsFile = instance.path("vault", "settings.json");
  await replaceFile(settingsFile, `${JSON.stringify(settings, null, 2)}\n`);
  const caFile = certificates.ca.cert;
  const vault = await labVault(address, caFile, "");
  await startServer(instance, {
    name: NAME,
    argv: [home.file("vault"), "server", `-config=${settingsFile}`],
    reads: [settingsFile],
    ready: async () => {
      const { status } = await vault.ask("GET", "sys/seal-status");
      return status === 200 || `its seal status is ${status}`;
    },
    withinMs: 30_000,
  });
  return { address, caFile, pluginFile };
}

const NAME = "vault";

/** Vault follows no link out of its plugin folder, and a file that a running Vault executes cannot be written to. */
async function copyPlugin(instance: Instance, home: ToolHome, folder: string): Promise<string> {
  const mark = instance.path("vault", "plugins-from");
  const file = `${folder}/${KUBERNETES_PLUGIN}`;
  if ((await readIfThere(mark)) === home.dir) return file;
  await mkdir(folder, { recursive: true });
  await copyFile(home.file(KUBERNETES_PLUGIN), `${file}.new`);
  await rename(`${file}.new`, file);
  await writeFile(mark, home.dir);
  return file;
}
