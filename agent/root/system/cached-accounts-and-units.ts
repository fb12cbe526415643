/** Caches what was read of accounts and units, and reads it again after every change. */

import { type Accounts, readAccounts } from "./account-database.ts";
import type { CommandOptions, System } from "./privileged-operations.ts";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, ROOT_ENV } from "../../lib/exec.ts";

export interface UnitState {
  /** `loaded`, `not-found`, … */
  readonly load: string;
  /** `active`, `activating`, `inactive`, `failed`, …; `restarting` for one that has just died and waits to be tried again. */
  readonly active: string;
  /** `enabled`, `disabled`, `static`, or empty. */
  readonly file: string;
  /** Every property that was asked for, in systemd's own form; one that this kind of unit does not have is absent. */
  readonly shown: ReadonlyMap<string, string>;
}

const PROPERTIES = [
  "LoadState",
  "ActiveState",
  "SubState",
  "UnitFileState",
  "FragmentPath",
  "DropInPaths",
  "Slice",
].concat([
  "ExecMainStartTimestamp",
  "Result",
  "MemoryMax",
  "MemoryHigh",
  "MemorySwapMax",
  "CPUQuotaPerSecUSec",
  "TasksMax",
  "AllowedCPUs",
  "DevicePolicy",
  "DeviceAllow",
  "User",
  "NoNewPrivileges",
  "PrivateTmp",
  "ProtectHome",
]);

export interface Machine {
  /** The privileged operations. Each that changes something drops what was cached. */
  readonly sys: System;
  accounts(): Accounts;
  /** Asks for all that is not known yet in one call. */
  units(names: readonly string[]): Promise<ReadonlyMap<string, UnitState>>;
}

const SYSTEMCTL_TIMEOUT_MS = 60_000;

/** Wraps the operations so that no caller can forget to drop the cache. */
export function machineOf(system: System): Machine {
  let accounts: Accounts | undefined;
  const units = new Map<string, UnitState>();
  const forget = () => {
    accounts = undefined;
    units.clear();
  };
  const sys: System = {
    ...system,
    run: async (argv: readonly string[], options?: CommandOptions) => {
      try {
        return await system.run(argv, options);
      } finally {
        if (!options?.reads) forget();
      }
    },
  };
  return {
    sys,
    accounts: () => (accounts ??= readAccounts(sys)),
    units: async (names) => {
      const unknown = names.filter((name) => !units.has(name));
      if (unknown.length > 0) for (const [name, state] of await showUnits(sys, unknown)) units.set(name, state);
      return units;
    },
  };
}

/** The units of these patterns that systemd knows: one that it does not know neither runs, has failed nor is enabled. */
export async function loadedUnits(sys: System, patterns: readonly string[]): Promise<readonly string[]> {
  const form = ["--all", "--plain", "--no-legend", "--full"];
  const argv = ["/usr/bin/systemctl", "list-units", ...form, "--", ...patterns];
  const ran = await sys.run(argv, { reads: true, timeoutMs: SYSTEMCTL_TIMEOUT_MS });
  if (ran.code !== 0) throw new Refusal(describeFailure(ran));
  return ran.stdout.split("\n").flatMap((line) => /^\s*(\S+)\s/.exec(line)?.[1] ?? []);
}

async function showUnits(sys: System, names: readonly string[]): Promise<ReadonlyMap<string, UnitState>> {
  const argv = ["/usr/bin/systemctl", "show", `--property=${PROPERTIES.join(",")}`, "--", ...names];
  // Times of day in a form that does not depend on where the host is.
  const env = { ...ROOT_ENV, TZ: "UTC" };
  const ran = await sys.run(argv, { reads: true, timeoutMs: SYSTEMCTL_TIMEOUT_MS, env });
  if (ran.code !== 0) throw new Refusal(describeFailure(ran));
  // One block a unit, in the order asked, with an empty line between.
  const blocks = ran.stdout.trim().split(/\n\n+/);
  if (blocks.length !== names.length) throw new Refusal(`systemd reported ${blocks.length} of ${names.length} units`);
  return new Map(names.map((name, at) => [name, stateOf(blocks[at] ?? "")]));
}

function stateOf(block: string): UnitState {
  const shown = new Map(
    block.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const),
  );
  const value = (key: string) => shown.get(key) ?? "";
  const active = value("SubState") === "auto-restart" ? "restarting" : value("ActiveState");
  return { load: value("LoadState"), active, file: value("UnitFileState"), shown };
}
