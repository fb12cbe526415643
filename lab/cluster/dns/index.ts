/**
 * Starts the cluster's DNS: CoreDNS cannot be had here, and Services should be reachable by name as on a real cluster.
 */
import { Resolver } from "node:dns/promises";
import { fileURLToPath } from "node:url";
import type { Instance } from "../../instance.ts";
import { startServer } from "../../process/start.ts";
import type { Certificates } from "../certificates.ts";

/** Starts the name server on the lab's address, where pods look for it. */
export async function startDns(instance: Instance, certs: Certificates, server: string): Promise<void> {
  const { cert, key } = certs.clients.admin;
  const program = fileURLToPath(new URL("./serve.ts", import.meta.url));
  await startServer(instance, {
    name: "dns",
    reads: [program, fileURLToPath(new URL("./message.ts", import.meta.url))],
    argv: [
      process.execPath,
      "--import",
      import.meta.resolve("tsx"),
      program,
      instance.address.lab,
      server,
      certs.ca.cert,
      cert,
      key,
    ],
    ready: async () => {
      const resolver = new Resolver({ timeout: 500, tries: 1 });
      resolver.setServers([instance.address.lab]);
      return (await resolver.resolve4("healthy.cluster.local")).length === 1 || "it answers with nothing";
    },
    withinMs: 20_000,
  });
}
