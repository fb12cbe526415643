/**
 * Installs the Debian packages that a host lacks, after asking apt for their names and versions. On a host that has all
 * of them it only asks dpkg, and never the network.
 */

import { type Step, says } from "../../lib/converge.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, type Ran } from "../../lib/exec.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { aptFailure, plannedVersions, unknownPackages } from "./apt-failure.ts";

const APT = "/usr/bin/apt-get";
const INSTALL_TIMEOUT_MS = 15 * 60_000;
const SIMULATE_TIMEOUT_MS = 60_000;
const APT_ENV = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", DEBIAN_FRONTEND: "noninteractive" };
/** A host that has just started updates its own lists, and apt waits for that lock by no option. */
const LOCK_RETRIES = 12;
const LOCK_RETRY_MS = 5000;

/** Programs that the rest of a host's preparation runs, each with its package. */
const PROGRAMS = new Map([
  ["/usr/sbin/visudo", "sudo"],
  ["/usr/sbin/nft", "nftables"],
]);

/** Which of the programs that the steps after the packages run are not on this host; each with its package. */
export const missingPrograms = (m: Machine): readonly string[] =>
  [...PROGRAMS].flatMap(([path, name]) => (m.sys.look(path) === undefined ? [`${path} (package ${name})`] : []));

/**
 * Refuses names that apt does not know before anything is written but apt's own lists.
 *
 * @throws Refusal with every such name, or with the reason why apt cannot tell
 */
export async function assertInstallable(m: Machine, wanted: readonly string[]): Promise<void> {
  const missing = await missingPackages(m, wanted);
  if (missing.length === 0 || isWhole(await simulate(m, missing), missing)) return;
  // Most often the lists of packages are missing or old.
  const updated = await updateLists(m);
  const ran = await simulate(m, missing);
  if (isWhole(ran, missing)) return;
  const planned = plannedVersions(ran.stdout);
  const unknown =
    ran.code === 0 ? missing.filter((name) => !planned.has(name)) : unknownPackages(ran.stdout + ran.stderr, missing);
  if (unknown.length === 0) throw new Refusal(`${sentence(missing, ran)}. Nothing was changed`);
  const isOld = updated.code !== 0 || /^(?:W: Failed to fetch|Err:)/m.test(updated.stdout + updated.stderr);
  const known = `apt knows no package ${unknown.join(", ")} on this host`;
  if (isOld)
    throw new Refusal(`${known}, and its lists could not be updated: ${aptFailure(updated)}. Nothing was changed`);
  throw new Refusal(
    `${known}. Nothing was changed. Correct devvm.packages, or add the repository that has it; to search, run there: ` +
      `apt-cache search ${unknown[0]}`,
  );
}

/** Installs what is missing; what a dry run can tell of versions depends on the lists that apt has. */
export function packagesStep(m: Machine, wanted: readonly string[]): Step {
  return {
    name: "packages",
    differences: async () => {
      const missing = await missingPackages(m, wanted);
      if (missing.length === 0) return [];
      const planned = plannedVersions((await simulate(m, missing)).stdout);
      const named = missing.map((name) => [name, planned.get(name)].filter(Boolean).join(" ")).join(", ");
      const others = planned.size - missing.filter((name) => planned.has(name)).length;
      const also = others === 0 ? "" : ` and ${others} ${others === 1 ? "package" : "packages"} that they depend on`;
      return [{ point: "base-packages", says: says("install", named + also), apply: () => install(m, missing) }];
    },
  };
}

/** @throws Refusal where dpkg cannot be asked: a host whose packages are unknown has not none */
async function missingPackages(m: Machine, wanted: readonly string[]): Promise<readonly string[]> {
  if (wanted.length === 0) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own places, not this language's
  const format = "${Package} ${db:Status-Status}\\n";
  const ran = await m.sys.run(["/usr/bin/dpkg-query", "--show", "--showformat", format, ...wanted], { reads: true });
  // 1: some of them are not known to it.
  if (ran.code !== 0 && ran.code !== 1)
    throw new Refusal(`the packages of this host are unknown: ${describeFailure(ran)}; hosts must be Debian`);
  const installed = new Set(
    ran.stdout.split("\n").flatMap((line) => (line.endsWith(" installed") ? [line.split(" ")[0]] : [])),
  );
  return wanted.filter((name) => !installed.has(name));
}

const installArgv = (names: readonly string[], ...options: readonly string[]) => [
  ...[APT, "install", "--yes", "--quiet", "--no-install-recommends", "--no-remove", ...options],
  ...["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3", "--", ...names],
];

/** Needs no lock and no network. */
const simulate = (m: Machine, names: readonly string[]): Promise<Ran> =>
  m.sys.run(installArgv(names, "--simulate"), { reads: true, timeoutMs: SIMULATE_TIMEOUT_MS, env: APT_ENV });

/** A name that others provide is not planned under that name, and would never count as installed. */
const isWhole = (simulated: Ran, names: readonly string[]): boolean =>
  simulated.code === 0 && names.every((name) => plannedVersions(simulated.stdout).has(name));

async function updateLists(m: Machine): Promise<Ran> {
  const argv = [APT, "update", "--quiet", "-o", "Acquire::Retries=3"];
  for (let tries = 1; ; tries += 1) {
    const ran = await m.sys.run(argv, { timeoutMs: INSTALL_TIMEOUT_MS, env: APT_ENV });
    if (!/Could not get lock|Unable to lock/.test(ran.stderr) || tries >= LOCK_RETRIES) return ran;
    await new Promise((resolve) => setTimeout(resolve, LOCK_RETRY_MS));
  }
}

async function install(m: Machine, missing: readonly string[]): Promise<void> {
  const argv = installArgv(missing);
  const first = await m.sys.run(argv, { timeoutMs: INSTALL_TIMEOUT_MS, env: APT_ENV });
  if (first.code === 0) return;
  await updateLists(m);
  const second = await m.sys.run(argv, { timeoutMs: INSTALL_TIMEOUT_MS, env: APT_ENV });
  if (second.code !== 0) throw new Refusal(sentence(missing, second));
}

const sentence = (missing: readonly string[], failed: Ran): string =>
  `expected to install ${missing.join(", ")}, but ${aptFailure(failed)}`;
