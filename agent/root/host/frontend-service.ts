/** Installs a frontend service that the ingress connects to: its account, program, settings and units. */

import { asset } from "../../lib/assets.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Step, says } from "../../lib/converge.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { fileChanges, filesStep, type GeneratedFile } from "../system/generated-files.ts";
import { reloadOnChange, reloadSystemdOnChange } from "../services/reload-on-change.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";

export interface FrontendService {
  /** `gate`: its program is `gate.cjs`, its settings `gate.json`, its account and its service `workstation-gate`. */
  readonly name: string;
  /** Further units of it, and those of them that are to run. */
  readonly unitFiles?: readonly string[];
  readonly running?: readonly string[];
  /** Absent: it is not wanted on this host. What was there is stopped; its files are harmless and stay. */
  readonly settings: object | undefined;
  /** Present where the ingress has to prove itself: the secrets that are accepted, once they have been delivered. */
  readonly accepted?: () => readonly string[] | undefined;
}

/** Where a service reads what the ingress may send as its secret. */
export const secretFileOf = (name: string): string => `/etc/workstation/${name}.secret`;

export function frontendSteps(
  m: Machine,
  { name, unitFiles = [], running = [], settings, accepted }: FrontendService,
): readonly (() => Step)[] {
  const account = `workstation-${name}`;
  const service = `${account}.service`;
  const run = [service, ...running];
  if (settings === undefined) return [() => startAndStopUnits(m, { run: [], rest: run })];
  const program = (): readonly GeneratedFile[] => [
    { path: `/usr/lib/workstation/${name}.cjs`, text: asset(`${name}.cjs`), mode: 0o644 },
    { path: `/etc/workstation/${name}.json`, text: `${JSON.stringify(settings, undefined, 2)}\n`, mode: 0o644 },
  ];
  const units = [service, ...unitFiles].map((unit) => ({
    path: `/etc/systemd/system/${unit}`,
    text: asset(unit),
    mode: 0o644,
  }));
  return [
    () => accountOf(m, account),
    () => secretOf(m, account, secretFileOf(name), accepted),
    () =>
      reloadSystemdOnChange(m, {
        name: `${name}'s unit`,
        key: `${name}-unit`,
        files: units,
        filePoint: "base-file",
        loadPoint: "base-daemon-reload",
      }),
    () =>
      reloadOnChange(m, {
        name,
        key: name,
        // The unit too: it is loaded by now, and what runs knows the former one.
        files: [...program(), ...units],
        filePoint: "base-file",
        loadPoint: "base-daemon-reload",
        loadSays: says("restart", `${service}, since its program or settings changed`),
        // Not yet started by the first delivery: the next step does that.
        load: () => runOrThrow(m.sys, ["/usr/bin/systemctl", "try-restart", service]),
      }),
    () => startAndStopUnits(m, { run, rest: [] }),
  ];
}

/** The service reads it anew when it changes, so a rotation restarts nothing. */
function secretOf(m: Machine, account: string, path: string, of: FrontendService["accepted"]): Step {
  return {
    name: `${account}'s ingress secret`,
    differences: () => {
      const accepted = of?.();
      if (accepted !== undefined) {
        const gid = m.accounts().users.get(account)?.gid;
        if (gid === undefined) throw new Refusal(`${account}: there is no such account, so its secret is not written`);
        return fileChanges(m.sys, [{ path, text: `${JSON.stringify(accepted)}\n`, mode: 0o640, gid }], "base-file");
      }
      // Not delivered yet: what is there stays until it is.
      if (of !== undefined || m.sys.look(path) === undefined) return [];
      return [{ point: "base-file", says: says("remove", path), apply: () => m.sys.remove(path) }];
    },
  };
}

/** An account without rights, a home or a shell; the packet filter and sudo know it. */
function accountOf(m: Machine, account: string): Step {
  const file = { path: "/etc/sysusers.d/workstation.conf", text: asset("sysusers.conf"), mode: 0o644 };
  return {
    name: `${account}'s account`,
    differences: async () => {
      const changes = await filesStep(m.sys, account, [file], "base-file").differences();
      if (m.accounts().users.has(account)) return changes;
      const apply = async () => void (await runOrThrow(m.sys, ["/usr/bin/systemd-sysusers", file.path]));
      return [...changes, { point: "base-enable", says: says("create", `the system account ${account}`), apply }];
    },
  };
}
