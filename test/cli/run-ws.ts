/** Runs the real `./ws` as an operator does, in a folder of its own. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const WS = fileURLToPath(new URL("../../ws", import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Each call of `ws` sees these files in its working folder. */
export function workbench(files: Readonly<Record<string, string | Uint8Array>>) {
  const folder = mkdtempSync(join(tmpdir(), "ws-cli-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return {
    folder,
    write: (name: string, text: string) => writeFileSync(join(folder, name), text),
    read: (name: string) => readFileSync(join(folder, name), "utf8"),
    ws: (args: readonly string[], input = "", env: Readonly<Record<string, string>> = {}): Ran => {
      const { status, stdout, stderr } = spawnSync(WS, args, {
        cwd: folder,
        input,
        encoding: "utf8",
        env: { PATH: process.env.PATH, ...env },
      });
      return { code: status, out: stdout, err: stderr };
    },
  };
}
