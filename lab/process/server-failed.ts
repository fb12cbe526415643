/** Defines the error of a server that is not up, with the end of its log, since the reason is nearly always there. */
import { open } from "node:fs/promises";
import { LabError } from "../lab-error.ts";

export class ServerFailed extends LabError {
  override readonly name = "ServerFailed";
  /** `died`: its process ended; `late`: it runs but was not ready in time. */
  readonly outcome: "died" | "late";
  /** The last lines of its log. */
  readonly tail: string;

  constructor(server: string, outcome: "died" | "late", why: string, log: string, tail: string) {
    const shown = tail === "" ? "It said nothing." : `The end of its log:\n${tail.replace(/^/gm, "  ")}`;
    super(`${server} ${why}. ${shown}${hintFor(tail)}\nThe whole log: ${log}`);
    this.outcome = outcome;
    this.tail = tail;
  }
}

/** What a server's last words do not tell: several labs at once use up the machine's watches, which no lab may raise. */
const hintFor = (tail: string): string =>
  /too many open files/i.test(tail)
    ? "\nThe machine's file watches are probably used up: stop another lab (WS_LAB=<name> make down), or raise them: " +
      "sysctl fs.inotify.max_user_instances=1024"
    : "";

/** The last lines of a file (of its last 8 KiB), empty when there is none. */
export async function tailOf(path: string, lines = 15): Promise<string> {
  await using file = await open(path, "r");
  const { size } = await file.stat();
  const start = Math.max(0, size - 8192);
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(8192), position: start });
  return buffer.toString("utf8", 0, bytesRead).trimEnd().split("\n").slice(-lines).join("\n");
}
