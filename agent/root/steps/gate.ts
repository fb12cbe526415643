/** The gate of a host, where the stack wants one: its account, its program, where it listens, and its unit. */

import { asset } from "../../assets.ts";
import type { BasePart } from "../../contract.ts";
import { type Step, says } from "../../step.ts";
import type { Machine } from "../machine.ts";
import { must } from "../system.ts";
import { filesStep, type GeneratedFile } from "./files.ts";
import { loadedFiles, systemdFiles } from "./loaded-files.ts";
import { unitsRun } from "./units-run.ts";

const UNIT = "workstation-gate.service";
const ACCOUNT = "workstation-gate";

/** Without a gate in the part, one that was there is stopped; its files are harmless and stay. */
export function gateSteps(m: Machine, { gate }: BasePart): readonly (() => Step)[] {
  if (gate === undefined) return [() => unitsRun(m, { run: [], rest: [UNIT] })];
  const unit = { path: `/etc/systemd/system/${UNIT}`, text: asset(UNIT), mode: 0o644 };
  const program: readonly GeneratedFile[] = [
    { path: "/usr/lib/workstation/gate.cjs", text: asset("gate.cjs"), mode: 0o644 },
    { path: "/etc/workstation/gate.json", text: settingsOf(gate), mode: 0o644 },
  ];
  return [
    () => account(m),
    () =>
      systemdFiles(m, {
        name: "gate's unit",
        key: "gate-unit",
        files: [unit],
        filePoint: "base-file",
        loadPoint: "base-daemon-reload",
      }),
    () =>
      loadedFiles(m, {
        name: "gate",
        key: "gate",
        files: program,
        filePoint: "base-file",
        loadPoint: "base-daemon-reload",
        loadSays: says("start", "the gate with its new program or settings"),
        // Not yet started by the first delivery: the next step does that.
        load: () => must(m.sys, ["/usr/bin/systemctl", "try-restart", UNIT]),
      }),
    () => unitsRun(m, { run: [UNIT], rest: [] }),
  ];
}

const settingsOf = (gate: NonNullable<BasePart["gate"]>): string =>
  `${JSON.stringify({ dispatch: "/etc/t3-serve/dispatch.json", listen: gate.listen }, undefined, 2)}\n`;

/** An account without rights, a home or a shell; the packet filter knows it by its uid. */
function account(m: Machine): Step {
  const file = { path: "/etc/sysusers.d/workstation.conf", text: asset("sysusers.conf"), mode: 0o644 };
  return {
    name: "gate's account",
    differences: async () => {
      const changes = await filesStep(m.sys, "gate's account", [file], "base-file").differences();
      if (m.accounts().users.has(ACCOUNT)) return changes;
      const apply = async () => void (await must(m.sys, ["/usr/bin/systemd-sysusers", file.path]));
      return [...changes, { point: "base-enable", says: says("make", `the system account ${ACCOUNT}`), apply }];
    },
  };
}
