/** Runs the real `./ws` at a real terminal (util-linux's `script` opens it), as somebody who reads and types. */

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const WS = fileURLToPath(new URL("../../ws", import.meta.url));

export interface AtTerminal {
  readonly cwd: string;
  readonly path: string;
  /** These keys, once that is on the screen. */
  readonly typed?: { readonly after: string; readonly keys: string };
  /** The terminal goes away once that is on the screen. */
  readonly hangUpAfter?: string;
  /** No terminal at all: this on standard input. */
  readonly pipe?: string;
}

/** @returns what stood on the screen, colours off; the code is null when it was ended by a signal */
export async function atTerminal(
  args: readonly string[],
  { cwd, path, typed, hangUpAfter, pipe }: AtTerminal,
): Promise<{ readonly code: number | null; readonly screen: string }> {
  const command = [WS, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const [file, words] = pipe === undefined ? ["/usr/bin/script", ["-qefc", command, "/dev/null"]] : [WS, args];
  const child = spawn(file, words, { cwd, env: { PATH: path, TERM: "vt100", NO_COLOR: "1", SHELL: "/bin/sh" } });
  if (pipe !== undefined) child.stdin.end(pipe);
  let screen = "";
  let isAnswered = false;
  const read = (part: Buffer) => {
    screen += part.toString("utf8");
    if (!isAnswered && typed !== undefined && screen.includes(typed.after)) {
      isAnswered = true;
      child.stdin.write(typed.keys);
    }
    if (!isAnswered && hangUpAfter !== undefined && screen.includes(hangUpAfter)) {
      isAnswered = true;
      child.kill("SIGKILL");
    }
  };
  child.stdout.on("data", read);
  child.stderr.on("data", read);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, screen };
}
