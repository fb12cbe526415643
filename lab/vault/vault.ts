/**
 * Starts the lab's Vault: the real server with its storage in memory, so that every start begins anew and is set up
 * again.
 */
import { randomBytes } from "node:crypto";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { z } from "zod";
import { ensureCertificates } from "../cluster/certificates.ts";
import { clusterFact } from "../cluster/cluster.ts";
import { fact } from "../facts.ts";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import { startIssuers } from "../oidc/issuers.ts";
import { startServer } from "../process/start.ts";
import type { Toolchain } from "../toolchain/index.ts";
import { labVault } from "./api.ts";
import { connectCluster } from "./connect-cluster.ts";
import { connectIssuer } from "./connect-issuer.ts";
import { setUpVault } from "./set-up.ts";

/** Where Vault is, for the program and the tests. */
export const vaultFact = fact(
  "vault",
  z.strictObject({
    /** `https://…:8200` */
    address: z.string(),
    /** PEM file of the authority of its certificate, made anew with every start. */
    caFile: z.string(),
    /** Secret: may do everything; the tests' own. */
    rootToken: z.string(),
    /** Secret: the program's, with just the rights that it needs. */
    programToken: z.string(),
  }),
);

/** Brings Vault up, with Kubernetes and sign-in auth, the program's token and the user map. Needs the cluster. */
export async function startVault(instance: Instance, tools: Toolchain): Promise<void> {
  const address = `https://${instance.address.lab}:8200`;
  const rootToken = await keptToken(instance);
  const caFile = await startVaultServer(instance, tools, address, rootToken);
  const vault = await labVault(address, caFile, rootToken);
  await connectCluster(vault, await clusterFact.read(instance));
  await connectIssuer(vault, await startIssuers(instance, await ensureCertificates(instance)));
  const before = await vaultFact.find(instance);
  const programToken = await setUpVault(vault, before?.programToken);
  await vaultFact.write(instance, { address, caFile, rootToken, programToken });
}

async function startVaultServer(
  instance: Instance,
  tools: Toolchain,
  address: string,
  rootToken: string,
): Promise<string> {
  const home = await tools.get("vault");
  const plugins = instance.path("vault", "plugins");
  const certificates = instance.path("vault", "tls");
  await mkdir(plugins, { recursive: true });
  await mkdir(certificates, { recursive: true });
  const caFile = `${certificates}/vault-ca.pem`;
  const plugin = "vault-plugin-auth-kubernetes";
  // Vault follows no link out of its plugin folder, and a file that a running Vault executes cannot be written to.
  if ((await readIfThere(instance.path("vault", "plugins-from"))) !== home.dir) {
    await copyFile(home.file(plugin), `${plugins}/${plugin}`);
    await writeFile(instance.path("vault", "plugins-from"), home.dir);
  }
  await startServer(instance, {
    name: "vault",
    argv: [
      home.file("vault"),
      "server",
      "-dev",
      "-dev-tls",
      "-dev-no-store-token",
      `-dev-tls-cert-dir=${certificates}`,
      `-dev-tls-san=${instance.address.lab}`,
      `-dev-plugin-dir=${plugins}`,
      `-dev-listen-address=${instance.address.lab}:8200`,
    ],
    env: { VAULT_DEV_ROOT_TOKEN_ID: rootToken },
    ready: async () => (await labVault(address, caFile, rootToken)).isReady(),
    withinMs: 30_000,
  });
  return caFile;
}

/** The same for every start of an instance: another one would look like another server to be started. */
async function keptToken(instance: Instance): Promise<string> {
  const path = instance.path("vault", "root-token");
  const kept = await readIfThere(path);
  if (kept !== undefined) return kept;
  const token = `root-${randomBytes(18).toString("hex")}`;
  await mkdir(instance.path("vault"), { recursive: true });
  await writeFile(path, token, { mode: 0o600 });
  return token;
}
