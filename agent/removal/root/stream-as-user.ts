/** Runs a program as one user and streams its input and output, since a home may be larger than memory. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Refusal } from "../../lib/errors.ts";
import { ROOT_ENV } from "../../lib/exec.ts";
import { clean } from "../../lib/log.ts";
import type { User } from "../../root/system/account-database.ts";
import { containedArgv } from "../../root/system/run-as-user.ts";
import { NODE, REMOVE } from "../../root/system/installed-paths.ts";
import type { System } from "../../root/system/privileged-operations.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import type { RemovalTask } from "../shared/worker-protocol.ts";

export interface Streamed {
  readonly user: User;
  /** For the unit's name. */
  readonly name: string;
  readonly argv: readonly string[];
  /** What it reads; nothing where absent. */
  readonly feed?: Readable;
  /** Takes what it writes, all of it. */
  readonly take: (output: Readable) => Promise<void>;
}

/** Half a terabyte at the speed of an ordinary disk. */
const DEADLINE_MS = 6 * 3_600_000;
const LONGEST_COMPLAINT = 65_536;

/** @throws Refusal when it does not end well, with what it said */
export async function streamAsUser(sys: System, { user, name, argv, feed, take }: Streamed): Promise<void> {
  const contained = containedArgv(sys, { user, name, argv, deadlineMs: DEADLINE_MS });
  const [file = "", ...rest] = contained.argv;
  const child = spawn(file, rest, { cwd: "/", env: ROOT_ENV });
  let complaint = "";
  child.stderr.on("data", (part: Buffer) => {
    complaint = (complaint + part.toString("utf8")).slice(0, LONGEST_COMPLAINT);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  // A program that ends before it has read everything ends the pipe: what counts is how it ends.
  child.stdin.on("error", () => undefined);
  const fed = feed === undefined ? Promise.resolve(child.stdin.end()) : pipeline(feed, child.stdin).catch(unlessEnded);
  const results = await Promise.allSettled([take(child.stdout), fed]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) {
    await contained.end();
    child.kill("SIGKILL");
    child.stdout.destroy();
  }
  const code = await ended;
  if (failed !== undefined) throw failed.reason;
  if (code !== 0) throw new Refusal(`${name}: ${clean(complaint.trim()) || `ended with ${code ?? "a signal"}`}`);
}

function unlessEnded(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "EPIPE" && code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ERR_STREAM_DESTROYED") throw error;
}

export interface WorkerCall {
  readonly user: User;
  readonly task: RemovalTask;
  /** Follows the task on its input. */
  readonly more?: AsyncIterable<Buffer | string> | Iterable<Buffer | string>;
  /** One line of its answer, as it came. */
  readonly line: (value: unknown, text: string) => void;
}

/** @throws Refusal for an answer that does not end with its end: what is left out is not known */
export async function callWorker(sys: System, { user, task, more = [], line }: WorkerCall): Promise<void> {
  let isWhole = false;
  const take = async (output: Readable) => {
    for await (const text of createInterface({ input: output, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (text === "") continue;
      if (isWhole) throw new Refusal("the worker printed more after its end");
      const value = parseJsonOrUndefined(text);
      if (isEnd(value)) isWhole = true;
      else line(value, text);
    }
  };
  async function* input() {
    yield `${JSON.stringify(task)}\n`;
    yield* more;
  }
  const argv = [NODE, REMOVE, "worker"];
  await streamAsUser(sys, { user, name: `removal-${task.verb}`, argv, feed: Readable.from(input()), take });
  if (!isWhole) throw new Refusal("the worker ended early");
}

const isEnd = (value: unknown): boolean => typeof value === "object" && value !== null && "done" in value;
