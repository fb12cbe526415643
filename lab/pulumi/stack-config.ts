/** Writes the configuration of the lab's stack: `Pulumi.lab.yaml`, and the values that only the running lab has. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { clusterFact } from "../cluster/cluster.ts";
import { factsOfDevVm } from "../devvm/index.ts";
import { forgeFact } from "../forge/index.ts";
import type { Instance } from "../instance.ts";
import { vaultFact } from "../vault/vault.ts";
import { type Engine, PROJECT, STACK } from "./engine.ts";

/** A path below `workstation:` and the plain value that belongs there. */
export type Setting = readonly [path: readonly (string | number)[], value: unknown];

/**
 * Writes the engine's configuration file anew. Secrets go through the engine, on its standard input, and are encrypted.
 * @param extra settings of a test, laid over the lab's own
 */
export async function writeStackConfig(
  instance: Instance,
  engine: Engine,
  extra: readonly Setting[] = [],
): Promise<void> {
  const devvm = await factsOfDevVm().read(instance);
  const cluster = await clusterFact.read(instance);
  const forge = await forgeFact.read(instance);
  const vault = await vaultFact.read(instance);
  const document = parseDocument(await readFile(join(PROJECT, `Pulumi.${STACK}.yaml`), "utf8"));
  const known: readonly Setting[] = [
    [["hosts"], [{ name: devvm.name, address: devvm.address, hostKey: devvm.hostKey }]],
    [["cluster", "server"], cluster.server],
    [["cluster", "caData"], (await readFile(cluster.caFile)).toString("base64")],
    [["devvm", "repositories", "infraMirror"], `${forge.url}/${forge.owner}/infra.git`],
    [["devvm", "repositories", "forgejo"], forge.url],
    [["devvm", "repositories", "owner"], forge.owner],
    [["forgejo", "username"], forge.adminUser],
    [["vault", "address"], vault.address],
    [["vault", "caCertFile"], vault.caFile],
  ];
  for (const [[key, ...path], value] of [...known, ...extra]) {
    document.setIn(["config", `workstation:${key}`, ...path], document.createNode(value));
  }
  const secrets = Object.entries({
    sshPrivateKey: await readFile(devvm.privateKeyPath, "utf8"),
    kubeconfig: await readFile(cluster.adminKubeconfig, "utf8"),
    forgejoPassword: forge.adminPassword,
    vaultToken: vault.programToken,
  });
  for (const [key, value] of secrets) {
    const before = encrypted.get(value);
    if (before !== undefined) document.setIn(pathOf(key), document.createNode(before));
  }
  await writeFile(engine.configFile, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  for (const [key, value] of secrets) {
    if (encrypted.has(value)) continue;
    await setSecret(engine, key, value);
    const written = parseDocument(await readFile(engine.configFile, "utf8"));
    encrypted.set(value, { secure: z.string().parse(written.getIn([...pathOf(key), "secure"])) });
  }
}

/** By plain value: every stack of this process has the passphrase and the salt of `Pulumi.lab.yaml`, and encrypting takes a second. */
const encrypted = new Map<string, { readonly secure: string }>();

const pathOf = (key: string): readonly string[] => ["config", `workstation:${key}`];

const setSecret = (engine: Engine, key: string, value: string) =>
  engine.pulumi(["config", "set", "--secret", "--stack", STACK, "--config-file", engine.configFile, key], {
    input: value,
  });
