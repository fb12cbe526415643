/**
 * Finds the API server among the processes of this machine, tries it with other arguments, and checks that it is live.
 */

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:https";
import { readIfThere } from "./files.ts";

export interface ServerProcess {
  readonly pid: number;
  readonly words: readonly string[];
}

/** @returns the API server that was started with all of these words, if one runs */
export function findServer(words: readonly string[]): ServerProcess | undefined {
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const found = wordsOf(entry);
    if (/(^|\/)kube-apiserver$/.test(found[0] ?? "") && words.every((word) => found.includes(word))) {
      return { pid: Number(entry), words: found };
    }
  }
  return undefined;
}

/** A process that ends while it is looked at has no words. */
function wordsOf(pid: string): readonly string[] {
  try {
    return (readIfThere(`/proc/${pid}/cmdline`) ?? "").split("\0").filter((word) => word !== "");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ESRCH") return [];
    throw cause;
  }
}

/**
 * Starts the running server's own program with other words, away from its port and its store: it reads its whole
 * configuration before it looks for the store, so what it says of that comes while the old server goes on serving.
 * @returns what is wrong, or nothing
 */
export function trial(running: ServerProcess, words: readonly string[]): Promise<string | undefined> {
  const aside = words
    .filter((word) => !/^--(etcd-servers|secure-port|bind-address|audit-log-path)=/.test(word))
    .slice(1);
  const own = ["--etcd-servers=http://127.0.0.1:1", "--secure-port=16399", "--bind-address=127.0.0.1"];
  const child = spawn(`/proc/${running.pid}/root${programOf(running)}`, [...aside, ...own], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-20_000);
  });
  return new Promise((resolve, reject) => {
    // It has read everything by then and is waiting for the store.
    const enough = setTimeout(() => child.kill("SIGKILL"), TRIAL_MS);
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(enough);
      const verdict = said
        .split("\n")
        .filter((line) => line.includes("command failed"))
        .at(-1);
      if (code === null || verdict?.includes("storage factory") === true) resolve(undefined);
      else resolve(/err="(.*)"/.exec(verdict ?? "")?.[1] ?? `it ended with exit code ${code}`);
    });
  });
}

const TRIAL_MS = 6_000;

/** The program's path inside its container. */
const programOf = ({ pid, words }: ServerProcess): string => {
  const [program = ""] = words;
  if (program.startsWith("/")) return program;
  const path = (readIfThere(`/proc/${pid}/environ`) ?? "").split("\0").find((entry) => entry.startsWith("PATH="));
  const folders = path?.slice("PATH=".length).split(":") ?? [];
  const found = folders.find((folder) => readIfThereAsProgram(`/proc/${pid}/root${folder}/${program}`));
  return `${found ?? "/usr/local/bin"}/${program}`;
};

const readIfThereAsProgram = (path: string) => {
  try {
    readdirSync(path);
    return false;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ENOTDIR";
  }
};

/** One question to `/livez`. */
export function lives(livez: string, caFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request(livez, { ca: readFileSync(caFile), agent: false, timeout: 3_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    probe.on("timeout", () => probe.destroy());
    probe.on("error", () => resolve(false));
    probe.end();
  });
}
