/** Installs what keeps the packet filter loaded when other programs flush nftables: a watching service and a drop-in. */

import { asset } from "../../lib/assets.ts";
import { type Step, says } from "../../lib/converge.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import type { GeneratedFile } from "../system/generated-files.ts";
import { reloadOnChange, reloadSystemdOnChange } from "../services/reload-on-change.ts";
import { startAndStopUnits } from "../services/start-and-stop-units.ts";

export const WATCH = "workstation-ports-watch.service";
const SYSTEMD = "/etc/systemd/system";

const UNITS: readonly GeneratedFile[] = [
  { path: `${SYSTEMD}/${WATCH}`, text: asset(WATCH), mode: 0o644 },
  // Synchronous, for the one service of the distribution that flushes everybody's tables.
  { path: `${SYSTEMD}/nftables.service.d/50-workstation.conf`, text: asset("nftables-drop-in.conf"), mode: 0o644 },
];
const PROGRAM: GeneratedFile = {
  path: "/usr/lib/workstation/watch-ports",
  text: asset("watch-ports.sh"),
  mode: 0o755,
};

export const watchSteps = (m: Machine): readonly (() => Step)[] => [
  () =>
    reloadSystemdOnChange(m, {
      name: "packet filter's watch",
      key: "ports-watch-unit",
      files: UNITS,
      filePoint: "base-file",
      loadPoint: "base-daemon-reload",
    }),
  () =>
    reloadOnChange(m, {
      name: "packet filter's watch",
      key: "ports-watch",
      // The unit too: what runs was started by the former one.
      files: [PROGRAM, ...UNITS],
      filePoint: "base-file",
      loadPoint: "base-daemon-reload",
      loadSays: says("restart", `${WATCH}, since its program or unit changed`),
      load: () => runOrThrow(m.sys, ["/usr/bin/systemctl", "try-restart", WATCH]),
    }),
  () => startAndStopUnits(m, { run: [WATCH], rest: [] }),
];
