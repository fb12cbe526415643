/** Implements `workstation install --sha256 <hex>`: verifies the delivered bundle and installs it with its wrappers. */

import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { asset } from "../../lib/assets.ts";
import { Refusal } from "../../lib/errors.ts";
import { info } from "../../lib/log.ts";
import { AGENT, PROBE, SESSIONS_PROBE, WORKER, WRAPPER, REMOVE, REMOVE_WRAPPER } from "../system/installed-paths.ts";
import { STATE } from "../state/json-files.ts";
import type { System } from "../system/privileged-operations.ts";

/** @throws Refusal when the file that runs is not the file that was meant. */
export function install(sys: System, sha256: string, incoming: string): number {
  const bytes = readFileSync(incoming);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== sha256)
    throw new Refusal(`${incoming} is damaged: expected sha256 ${sha256}, but found ${found}; deliver it again`);
  sys.makeDirectory("/usr/lib/workstation", 0o755);
  sys.makeDirectory(STATE, 0o700);
  const files = [
    { path: WORKER, bytes: Buffer.from(asset("worker.cjs")), mode: 0o644 },
    { path: PROBE, bytes: Buffer.from(asset("probe.sh")), mode: 0o644 },
    { path: SESSIONS_PROBE, bytes: Buffer.from(asset("sessions-probe.sh")), mode: 0o644 },
    { path: REMOVE, bytes: Buffer.from(asset("remove.mjs")), mode: 0o644 },
    { path: REMOVE_WRAPPER, bytes: Buffer.from(asset("workstation-remove.sh")), mode: 0o755 },
    { path: AGENT, bytes, mode: 0o644 },
    { path: WRAPPER, bytes: Buffer.from(asset("workstation.sh")), mode: 0o755 },
  ];
  let changed = false;
  for (const { path, bytes: wanted, mode } of files) {
    const stat = sys.look(path);
    if (stat?.isFile() && (stat.mode & 0o7777) === mode && stat.uid === 0 && sys.read(path)?.equals(wanted)) continue;
    sys.replaceFile(path, { bytes: wanted, mode });
    changed = true;
  }
  if (incoming !== AGENT) rmSync(incoming, { force: true });
  info(changed ? `host: installed the agent ${sha256.slice(0, 12)}` : "host: nothing to change");
  return 0;
}
