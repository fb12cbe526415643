/** A place to run the sync's real script with the real rclone: a volume, a Secret, and a Drive on loopback. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { throwAwayCertificate } from "../../../lab/drive/certificate.ts";
import { type Drive, startDrive } from "../../../lab/drive/server.ts";
import { toolPath } from "../../../lab/toolchain/index.ts";

export interface Bench {
  readonly drive: Drive;
  readonly volume: string;
  /** Puts files into the Drive's folder of the site. */
  fill(files: Readonly<Record<string, string>>): void;
  /** Takes files out of it. */
  take(...names: readonly string[]): void;
  sync(env?: Readonly<Record<string, string>>): Promise<Ran>;
  /** Starts a run in a process group of its own and does not wait for it. */
  start(env?: Readonly<Record<string, string>>): ChildProcess;
  /** What a visitor finds: path and text of every file of the published tree. */
  site(): Promise<Record<string, string>>;
  configure(conf: string): Promise<void>;
  close(): Promise<void>;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const FOLDER = "stem claude/files";

export const SCRIPT = fileURLToPath(new URL("../../../components/stem95su/sync.sh", import.meta.url));

/** `count` files of the site with the board first, each with a text of its own. */
export const pages = (count: number): Record<string, string> =>
  Object.fromEntries([
    ["stem_board.html", "the board"],
    ...Array.from({ length: count - 1 }, (_, i) => [pageName(i + 1), `page ${i + 1}`] as const),
  ]);

/** Name of the nth page, n from 1. */
export const pageName = (n: number) => `page-${String(n).padStart(3, "0")}.html`;

/** The names of the pages n to m, both included. */
export const pageNames = (n: number, m: number) => Array.from({ length: m - n + 1 }, (_, i) => pageName(n + i));

/** @param volume folder to use as the content volume; one of its own where none is given */
export async function openBench(volume?: string): Promise<Bench> {
  const dir = await mkdtemp(join(tmpdir(), "stem95su-"));
  const at = (name: string) => join(dir, name);
  await Promise.all(["volume", "scratch"].map((name) => mkdir(at(name))));
  const drive = await startDrive("127.0.0.1", await throwAwayCertificate());
  await writeFile(at("rclone.conf"), drive.rcloneConf("127.0.0.1"));
  const rclone = await toolPath("rclone");
  const content = volume ?? at("volume");
  const start = (env: Readonly<Record<string, string>> = {}) =>
    spawn("/bin/sh", [SCRIPT], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: `${rclone}:/usr/bin:/bin`,
        HOME: "/nonexistent",
        VOLUME: content,
        SECRET_CONF: at("rclone.conf"),
        SCRATCH: at("scratch"),
        // The waits between retries are the only part of the real settings that a test has no time for.
        RCLONE_LOW_LEVEL_RETRIES: "2",
        ...env,
      },
    });
  return {
    drive,
    volume: content,
    fill: (files) => {
      for (const [name, text] of Object.entries(files)) drive.tree.put(`${FOLDER}/${name}`, text);
    },
    take: (...names) => {
      for (const name of names) drive.tree.remove(`${FOLDER}/${name}`);
    },
    start,
    sync: (env) => ended(start(env)),
    site: () => textsBelow(join(content, "current")),
    configure: (conf) => writeFile(at("rclone.conf"), conf),
    async close() {
      await drive.close();
      await rm(dir, { recursive: true });
    },
  };
}

/** What a run said and how it ended; -1 for one that was killed. */
export async function ended(child: ChildProcess): Promise<Ran> {
  const said = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  await once(child, "close");
  return { code: child.exitCode ?? -1, ...said };
}

/** Every file below a folder by its path, with its text; an empty answer where the folder is not there. */
export async function textsBelow(folder: string): Promise<Record<string, string>> {
  const root = await stat(folder).then(
    () => true,
    () => false,
  );
  if (!root) return {};
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  // A file that is being written may lose its temporary name meanwhile.
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".partial"))
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    files.map(async (file) => [file.slice(folder.length + 1), await readFile(file, "utf8")]),
  );
  return Object.fromEntries(texts.sort() as [string, string][]);
}

/** Which release is published, or nothing. */
export const published = (volume: string): Promise<string | undefined> =>
  readlink(join(volume, "current")).catch(() => undefined);
