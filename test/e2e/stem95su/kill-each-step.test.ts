/** The sync killed before each of its steps that could change anything, one after the other: the site is always whole. */

import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../../lab/run.ts";
import { toolPath } from "../../../lab/toolchain/index.ts";
import { openBench, pageNames, pages } from "./sync-fixture.ts";

/** Every program by which the script changes anything. */
const STEPS = ["mkdir", "rm", "cp", "mktemp", "mv", "ln", "sync", "rclone"];

/** Every other program that it finds: with one that is in neither list it fails, so that nobody forgets to list it. */
const READS = [
  "awk",
  "cat",
  "cut",
  "date",
  "find",
  "flock",
  "grep",
  "head",
  "ls",
  "readlink",
  "sed",
  "tail",
  "tr",
  "wc",
];

/** Programs of those names that count, kill everybody when it is their turn, and are otherwise the real ones. */
async function countingSteps(dir: string): Promise<string> {
  const real = async (name: string) => (name === "rclone" ? join(await toolPath("rclone"), name) : `/usr/bin/${name}`);
  await mkdir(join(dir, "bin"));
  for (const name of STEPS) {
    const file = join(dir, "bin", name);
    const count = `n=$(($(/usr/bin/cat ${dir}/count) + 1)); echo $n >${dir}/count; echo ${name} >>${dir}/steps`;
    await writeFile(file, `#!/bin/sh\n${count}\n[ $n != "$KILL_AT" ] || kill -9 0\nexec ${await real(name)} "$@"\n`);
    await chmod(file, 0o755);
  }
  for (const name of READS) await symlink(`/usr/bin/${name}`, join(dir, "bin", name));
  return join(dir, "bin");
}

test("killed before any of its steps, a run leaves the old site or the new one, and the next run repairs all", async () => {
  const dir = await mkdtemp(join(tmpdir(), "stem95su-steps-"));
  const bench = await openBench();
  const PATH = await countingSteps(dir);
  const one = pages(8);
  const other = {
    ...Object.fromEntries(pageNames(3, 7).map((name) => [name, "rewritten"])),
    "stem_board.html": "b",
    "n/new.html": "n",
  };
  const change = (from: Record<string, string>, to: Record<string, string>) => {
    bench.take(...Object.keys(from).filter((name) => !(name in to)));
    bench.fill(to);
  };
  bench.fill(one);
  await bench.sync();

  let [now, next]: Record<string, string>[] = [one, other];
  let killedAt = 0;
  for (let code = -1; code !== 0; ) {
    change(now ?? {}, next ?? {});
    await writeFile(join(dir, "count"), "0");
    ({ code } = await bench.sync({ PATH, KILL_AT: String(killedAt + 1) }));
    await run(["flock", "--wait", "10", join(bench.volume, ".lock"), "true"]);
    expect([now, next]).toContainEqual(await bench.site());
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toEqual(next);
    [now, next] = [next, now];
    if (code !== 0) killedAt++;
    expect(killedAt).toBeLessThan(60);
  }
  expect(killedAt).toBeGreaterThan(10);
  const { stdout } = await run(["sort", "--unique", join(dir, "steps")]);
  expect(stdout.trim().split("\n")).toEqual([...STEPS].sort());
  await bench.close();
  await rm(dir, { recursive: true });
});
