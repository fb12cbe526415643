/** Collects what only a user's own process can see: their sessions, clones and memory use. */

import { readFileSync } from "node:fs";
import { systemCode, messageOf } from "../../lib/errors.ts";
import { clean } from "../../lib/log.ts";
import { recordFacts } from "../sessions/record-facts.ts";
import { ownProcesses } from "../sessions/own-processes.ts";
import { NAMES } from "../sessions/present-state.ts";
import { askReviving } from "../sessions/revive-socket.ts";
import { tmuxOf } from "../sessions/tmux-client.ts";
import type { FactsTask, OwnFacts } from "../../shared/facts/facts-schemas.ts";
import { cloneFacts } from "./clone-status.ts";

const MOST_SESSIONS = 500;
const PAGE_BYTES = 4096;

export async function collectOwnFacts(task: FactsTask): Promise<OwnFacts> {
  const home = `/home/${task.osUser}`;
  const sessions = await sessionsOf(task.uid, home);
  return {
    sessions,
    records: "failed" in sessions ? { failed: sessions.failed } : await recordFacts(task, new Set(sessions.running)),
    clones: task.clones === undefined ? [] : await cloneFacts(home, task.clones),
    memoryBytes: memoryOf(task.uid),
  };
}

async function sessionsOf(uid: number, home: string): Promise<OwnFacts["sessions"]> {
  try {
    const { answer } = await askReviving(tmuxOf({ uid, home }), uid, NAMES, false);
    const names = (answer ?? "").split("\n").filter((name) => name !== "");
    return { running: names.slice(0, MOST_SESSIONS) };
  } catch (error) {
    return { failed: clean(messageOf(error)) };
  }
}

/** As the kernel counts it for their slice; where it does not count, what their processes hold for themselves alone. */
function memoryOf(uid: number): number {
  const counted = Number(textOf(`/sys/fs/cgroup/user.slice/user-${uid}.slice/memory.current`).trim() || Number.NaN);
  if (Number.isSafeInteger(counted)) return counted;
  const own = [...ownProcesses(uid).keys()].map((pid) => {
    const [, resident = "0", shared = "0"] = textOf(`/proc/${pid}/statm`).split(" ");
    return (Number(resident) - Number(shared)) * PAGE_BYTES;
  });
  return own.reduce((sum, bytes) => sum + Math.max(0, bytes), 0);
}

/** Empty when it is not there, or not any more. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES", "ENODEV"].includes(systemCode(error) ?? "")) return "";
    throw error;
  }
}
