/**
 * Starts the lab's Vault and sets it up: the program's token, sign-in, the user map. What is written to it survives
 * `make down`.
 */
import { mkdir } from "node:fs/promises";
import { z } from "zod";
import { ensureCertificates } from "../cluster/certificates.ts";
import { clusterFact } from "../cluster/cluster.ts";
import { fact } from "../facts.ts";
import type { Instance } from "../instance.ts";
import { withLock } from "../lock.ts";
import { startIssuers } from "../oidc/issuers.ts";
import { readIfThere } from "../read-optional.ts";
import { replaceFile } from "../replace-file.ts";
import type { Toolchain } from "../toolchain/index.ts";
import { labVault } from "./api.ts";
import { connectCluster } from "./connect-cluster.ts";
import { connectIssuer } from "./connect-issuer.ts";
import { registerPlugin } from "./register-plugin.ts";
import { startVaultServer } from "./server.ts";
import { setUpVault } from "./set-up.ts";
import { unseal } from "./unseal.ts";

/** Where Vault is, for the program and the tests. */
export const vaultFact = fact(
  "vault",
  z.strictObject({
    /** `https://…:8200` */
    address: z.string(),
    /** PEM file of the authority of its certificate. */
    caFile: z.string(),
    /** Secret: may do everything; the tests' own. */
    rootToken: z.string(),
    /** Secret: the program's, with just the rights that it needs. */
    programToken: z.string(),
  }),
);

/** Brings Vault up, with Kubernetes and sign-in auth, the program's token and the user map. Needs the cluster. */
export async function startVault(instance: Instance, tools: Toolchain): Promise<void> {
  await mkdir(instance.path("vault"), { recursive: true });
  const lock = { what: "starting vault", withinMs: 120_000 };
  await withLock(instance.path("vault", ".lock"), lock, () => startAndSetUp(instance, tools));
}

async function startAndSetUp(instance: Instance, tools: Toolchain): Promise<void> {
  const keysFile = instance.path("vault", "keys.json");
  const certificates = await ensureCertificates(instance);
  const { address, caFile, pluginFile } = await startVaultServer(instance, tools, certificates, keysFile);
  const sealed = await labVault(address, caFile, "");
  const { rootToken } = await unseal(sealed, keysFile);
  const vault = await labVault(address, caFile, rootToken);
  if ((await registerPlugin(vault, pluginFile)) === "replaced") {
    // A mount whose plugin has another checksum than the registered one comes up without it.
    await vault.must("PUT", "sys/seal");
    await unseal(sealed, keysFile);
  }
  const tokenFile = instance.path("vault", "program-token");
  const programToken = await setUpVault(vault, await readIfThere(tokenFile));
  await replaceFile(tokenFile, programToken, 0o600);
  await connectCluster(vault, await clusterFact.read(instance));
  await connectIssuer(vault, await startIssuers(instance, certificates));
  await vaultFact.write(instance, { address, caFile, rootToken, programToken });
}
