/** Attaches a tmux client to a session in a pseudo terminal, which `script` and `stty` of the system make and resize. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { Refusal } from "../../lib/errors.ts";
import { describeFailure, run } from "../../lib/exec.ts";
import type { TerminalSize } from "../../shared/terminal/protocol.ts";

export interface AttachArgs {
  /** `terminal-pty.sh` as it is installed. */
  readonly program: string;
  /** A folder of this user's alone. */
  readonly folder: string;
  readonly tmuxSocket: string;
  /** tmux's own id: `$3`. */
  readonly sessionId: string;
  readonly size: TerminalSize;
  readonly env: Readonly<Record<string, string>>;
}

export interface TmuxClient {
  readonly output: Readable;
  /** @returns false when nothing more should be written before `onDrain` */
  write(bytes: Buffer): boolean;
  onDrain(listener: () => void): void;
  resize(size: TerminalSize): Promise<void>;
  /** Detaches it; the session goes on. */
  close(): void;
}

const RESIZE_MS = 5000;
const LONGEST_REASON = 1000;
let made = 0;

/** @throws Refusal when the client ends before it has a terminal */
export async function attachClient(args: AttachArgs): Promise<TmuxClient> {
  const { program, folder, tmuxSocket, sessionId, size, env } = args;
  if (!/^\$\d+$/.test(sessionId)) throw new Refusal(`expected a session id of tmux, but found "${sessionId}"`);
  made += 1;
  const fifo = `${folder}/input-${process.pid}-${made}`;
  const argv = [fifo, tmuxSocket, sessionId, String(size.rows), String(size.cols)];
  const child = spawn(program, argv, { stdio: ["ignore", "pipe", "pipe", "pipe"], env, cwd: "/" });
  const [, output, errors, announced] = child.stdio as unknown as readonly Readable[];
  if (output === undefined || errors === undefined || announced === undefined) throw new Error("spawn made no pipes");
  const close = () => void child.kill("SIGKILL");
  let reason = "";
  child.on("error", (error) => {
    reason = error.message;
  });
  errors.setEncoding("utf8").on("data", (text: string) => {
    reason = `${reason}${text}`.slice(0, LONGEST_REASON);
  });
  try {
    const device = await deviceOf(announced, () => reason);
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    const input = new Socket({ fd, readable: false, writable: true });
    input.on("error", close);
    child.once("close", () => input.destroy());
    return {
      output,
      write: (bytes) => input.write(bytes),
      onDrain: (listener) => void input.on("drain", listener),
      resize: latestOnly((wanted: TerminalSize) => setSize(device, wanted)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  } finally {
    rmSync(fifo, { force: true });
  }
}

async function deviceOf(lines: Readable, reason: () => string): Promise<string> {
  const [line] = (await Promise.race([once(lines, "data"), once(lines, "close")])) as readonly unknown[];
  const [, device] = /^(\/dev\/pts\/\d+)\n$/.exec(String(line ?? "")) ?? [];
  if (device === undefined) throw new Refusal(`the terminal could not be opened: ${reason() || "script(1) ended"}`);
  lines.destroy();
  return device;
}

/** The kernel tells the tmux client of the new size. */
async function setSize(device: string, { rows, cols }: TerminalSize): Promise<void> {
  const argv = ["/usr/bin/stty", "-F", device, "rows", String(rows), "cols", String(cols)];
  const ran = await run(argv, { timeoutMs: RESIZE_MS });
  if (ran.code !== 0) throw new Refusal(`the terminal was not resized: ${describeFailure(ran, RESIZE_MS)}`);
}

/** A window that is dragged asks for many sizes; one is set at a time, and of those that wait the latest alone. */
export function latestOnly<T>(work: (value: T) => Promise<void>): (value: T) => Promise<void> {
  let next: { readonly value: T } | undefined;
  let running: Promise<void> | undefined;
  const go = async () => {
    while (next !== undefined) {
      const { value } = next;
      next = undefined;
      await work(value);
    }
  };
  return (value) => {
    next = { value };
    running ??= go().finally(() => {
      running = undefined;
    });
    return running;
  };
}
