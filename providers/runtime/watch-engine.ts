/** Notices that the engine is gone: a killed engine sends no farewell, and an orphaned plugin would live on. */
import { fstatSync } from "node:fs";

/** Calls `gone` once when the process that started this one has ended. */
export function watchParent(gone: () => void): void {
  const parent = process.ppid;
  let isEnding = false;
  const tell = (): void => {
    if (isEnding) return;
    isEnding = true;
    gone();
  };
  // An orphan gets another parent. The timer alone does not keep this process alive.
  setInterval(() => process.ppid !== parent && tell(), POLL_MS).unref();
  // The engine holds the other end of a pipe; a terminal or /dev/null says nothing about it.
  const input = fstatSync(0);
  if (input.isFIFO() || input.isSocket()) {
    process.stdin.on("end", tell).on("error", tell).resume();
  }
}

const POLL_MS = 2_000;
