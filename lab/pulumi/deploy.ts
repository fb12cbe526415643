/** Deploys the repository's roster on the lab's servers, by the lab's own `pulumi up`. */

import { spawn } from "node:child_process";
import { clusterFact } from "../cluster/cluster.ts";
import { factsOfDevVm, sshArgv } from "../devvm/index.ts";
import { forgeFact } from "../forge/index.ts";
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";
import { LAB_INGRESS_SECRET } from "../sign-in/proxy.ts";
import { duration, log } from "../log.ts";
import { type Engine, openEngine, PROJECT, STACK } from "./engine.ts";
import { writeStackConfig } from "./stack-config.ts";

/** The user portal on the DevVM; a user whom `lab/sign-in` signs in sees it under the same port of this machine. */
const LOBBY_PORT = 8901;

/** Deploys the roster with what the engine says shown as it comes. Throws `LabError` when the update fails. */
export async function deployRoster(instance: Instance): Promise<void> {
  const startedMs = Date.now();
  const engine = await openEngine(instance);
  for (const { name, version, kind } of engine.plugins) {
    if (kind === "emulated") log(`plugin ${name} ${version}: the lab's emulated one (lab/plugins/README.md)`);
  }
  const { address } = await factsOfDevVm().read(instance);
  await writeStackConfig(instance, engine, [
    [["devvm", "lobby"], { listen: { address, port: LOBBY_PORT }, origin: `http://127.0.0.1:${LOBBY_PORT}` }],
    [["devvm", "ingressSecret"], LAB_INGRESS_SECRET],
    [["devvm", "contact"], "Ask wizard."],
  ]);
  await shown(engine, [
    "up",
    "--yes",
    "--skip-preview",
    "--suppress-outputs",
    "--stack",
    STACK,
    "--config-file",
    engine.configFile,
  ]);
  log(`people: up in ${duration(Date.now() - startedMs)}`);
}

/** What to try next, for the person at the keyboard. */
export async function commandsToTry(instance: Instance): Promise<string> {
  const devvm = await factsOfDevVm().read(instance);
  const { kubectl, adminKubeconfig } = await clusterFact.read(instance);
  const forge = await forgeFact.read(instance);
  const ssh = sshArgv(devvm).join(" ");
  return [
    "",
    "Try:",
    `  ${ssh} workstation status`,
    `  ${ssh} -t su - ancamilea`,
    "  node --import tsx lab/sign-in/main.ts emil.barzin   (emo's own page in a browser: it says the address)",
    `  ${kubectl} --kubeconfig ${adminKubeconfig} get namespaces --show-labels`,
    `  ${forge.url}/${forge.owner}   (user ${forge.adminUser}, password in ${instance.path("facts", "forge.json")})`,
    "  Change roster.yaml and run make up again; `./ws check roster.yaml` says whether it holds.",
    "",
    "Stop it, and keep its folder for the next make up: make down",
  ].join("\n");
}

/** Like `Engine.pulumi`, with the output going to the terminal. */
function shown(engine: Engine, args: readonly string[]): Promise<void> {
  const child = spawn("pulumi", [...args, "--non-interactive"], {
    cwd: PROJECT,
    env: { ...engine.env },
    stdio: ["ignore", 2, 2],
  });
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new LabError(`pulumi could not be started: ${cause.message}`, { cause })));
    child.on("close", (code) => {
      if (code === 0) return resolve();
      reject(new LabError(`pulumi ${args[0]} ended with exit code ${code}; what it said stands above.`));
    });
  });
}
