/** Opens sessions on the running lab for a person at a terminal: root's and a person's shell on the DevVM, and kubectl. */
import { spawn } from "node:child_process";
import { clusterFact } from "./cluster/cluster.ts";
import { factsOfDevVm, sshArgv } from "./devvm/index.ts";
import { requireInstance } from "./instance.ts";
import { LabError } from "./lab-error.ts";

/** Runs a command on the DevVM as root, or a shell where none is named. @returns its exit code */
export async function openSsh(command: readonly string[]): Promise<number> {
  const [ssh, ...options] = sshArgv(await factsOfDevVm().read(await requireInstance()));
  // A terminal only for who sits at one: a command's output would otherwise end its lines with CR.
  return attached([ssh, ...(process.stdin.isTTY ? ["-t"] : []), ...options, ...command]);
}

/** Logs a person in on the DevVM. @returns the exit code of their shell */
export async function openLogin(who: string | undefined): Promise<number> {
  if (who === undefined || !/^[a-z_][a-z0-9_-]*$/.test(who))
    throw new LabError(
      `Name the person by their user name on the host: make login WHO=emo${who === undefined ? "" : ` (found "${who}")`}`,
    );
  return openSsh(["su", "-", who]);
}

/** Runs the cluster's own kubectl as its administrator. @returns its exit code */
export async function openKubectl(args: readonly string[]): Promise<number> {
  const instance = await requireInstance();
  const { kubectl, adminKubeconfig } = await clusterFact.read(instance);
  // Its cache goes with the lab; the default one is in the home of whoever types this, and stays.
  const cache = instance.path("kubectl-cache");
  return attached([kubectl, `--kubeconfig=${adminKubeconfig}`, `--cache-dir=${cache}`, ...args]);
}

/** Gives the program this terminal. A program that a signal ended counts as failed. */
function attached([program, ...args]: readonly [string, ...string[]]): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit" });
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => reject(new LabError(`${program} could not be started: ${cause.message}`, { cause })));
    child.on("close", (code) => resolve(code ?? 1));
  });
}
