/** The sync's script against troubles in the middle of a run: kills, full disks, changing files, hostile names. */

import { type ChildProcess, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DOCUMENT, SHORTCUT } from "../../../lab/drive/file-tree.ts";
import { run } from "../../../lab/run.ts";
import { toolPath } from "../../../lab/toolchain/index.ts";
import {
  type Bench,
  ended,
  FOLDER,
  openBench,
  pageName,
  pageNames,
  pages,
  published,
  textsBelow,
} from "./sync-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

async function publishedSite(count: number): Promise<Record<string, string>> {
  bench.fill(pages(count));
  expect(await bench.sync()).toMatchObject({ code: 0 });
  return bench.site();
}

const rewritten = (count: number) =>
  Object.fromEntries(Object.entries(pages(count)).map(([name, text]) => [name, `${text}, rewritten`]));

describe("a run that is killed", () => {
  test("leaves the site as it was, and the next run repairs it", async () => {
    const before = await publishedSite(12);
    bench.fill(rewritten(12));
    bench.drive.troubles.downloadMs = 300;
    const child = bench.start();
    const ending = ended(child);
    const atStart = downloads().length;
    await seen(() => downloads().length > atStart + 5); // four at a time, so two are done
    await kill(child);
    expect((await ending).code).toBe(-1);
    const half = Object.values(await textsBelow(join(bench.volume, "next")));
    expect(half.some(isRewritten) && !half.every(isRewritten)).toBe(true);
    expect(await bench.site()).toEqual(before);

    bench.drive.troubles.downloadMs = 0;
    expect(await bench.sync()).toEqual({ code: 0, out: "PUBLISHED: 0 new, 12 changed, 0 gone.\n", err: "" });
    expect(await bench.site()).toEqual(rewritten(12));
    expect((await readdir(bench.volume)).sort()).toEqual([".lock", "current", "metrics", "releases"]);
  });

  test("at any of many moments, serves a whole tree and is repaired by the next run", async () => {
    await publishedSite(8);
    let [now, next] = [pages(8), rewritten(8)];
    for (const afterMs of [40, 90, 140, 190, 240, 290, 340]) {
      bench.fill(next);
      const child = bench.start();
      const ending = ended(child);
      await sleep(afterMs);
      if (child.exitCode === null) await kill(child);
      await ending;
      expect([now, next]).toContainEqual(await bench.site());
      expect(await bench.sync()).toMatchObject({ code: 0, err: "" });
      expect(await bench.site()).toEqual(next);
      [now, next] = [next, now];
    }
  });

  test("in its very first fetch is taken up again instead of begun anew", async () => {
    bench.fill(pages(12));
    bench.drive.troubles.downloadMs = 300;
    const child = bench.start();
    const ending = ended(child);
    await seen(() => downloads().length > 5);
    await kill(child);
    await ending;
    expect(await published(bench.volume)).toBeUndefined();
    const already = Object.keys(await textsBelow(join(bench.volume, "next"))).filter((name) => name.endsWith(".html"));
    bench.drive.requests.length = 0;
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toEqual(pages(12));
    expect(already.length).toBeGreaterThan(0);
    expect(downloads()).toHaveLength(12 - already.length);
  });
});

describe("a Drive that changes while it is read", () => {
  test("a file that changes during its download is not published, and the next run has it", async () => {
    const before = await publishedSite(5);
    bench.fill({ [pageName(1)]: "rewritten", [pageName(2)]: "rewritten too" });
    bench.drive.troubles.changesUnderway = /page-001/;
    const ran = await bench.sync({ RCLONE_RETRIES_SLEEP: "1ms" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("corrupted on transfer");
    expect(ran.err).toContain("could not be fetched to the content volume");
    expect(await bench.site()).toEqual(before);
    bench.drive.troubles.changesUnderway = undefined;
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toMatchObject({ [pageName(1)]: "rewritten", [pageName(2)]: "rewritten too" });
  });

  test("a visitor meets the old tree or the new one and never a mixture, whenever they come", async () => {
    await publishedSite(12);
    bench.fill(rewritten(12));
    bench.drive.troubles.downloadMs = 100;
    const met = await metDuring(ended(bench.start()), () => realpath(join(bench.volume, "current")));
    expect(Object.values(await bench.site()).every(isRewritten)).toBe(true);
    expect(met).toContain("old");
    expect(met).not.toContain("mixture");
    expect(met.length).toBeGreaterThan(20);
  });

  test("the same visitor meets mixtures where rclone writes into the served tree itself", async () => {
    await publishedSite(12);
    bench.fill(rewritten(12));
    bench.drive.troubles.downloadMs = 100;
    const live = await realpath(join(bench.volume, "current"));
    await writeFile(join(bench.volume, "rclone.conf"), bench.drive.rcloneConf("127.0.0.1"));
    const argv = [join(await toolPath("rclone"), "rclone"), "sync", `gdrive:${FOLDER}`, live] as const;
    const naive = run([...argv], { env: { RCLONE_CONFIG: join(bench.volume, "rclone.conf") } });
    expect(await metDuring(naive, async () => live)).toContain("mixture");
  });

  test("the bytes of the published tree are not touched while its successor is made from it", async () => {
    const before = await publishedSite(5);
    const live = await realpath(join(bench.volume, "current"));
    bench.fill({ ...rewritten(5), "stem_board.html": "the board" }); // the last one: the same text with a new date
    bench.take(pageName(4));
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await textsBelow(live)).toEqual(before);
  });
});

describe("a full volume", () => {
  let small: string;
  let onSmall: Bench;
  beforeEach(async () => {
    small = await mkdtemp(join(tmpdir(), "stem95su-full-"));
    await run(["mount", "-t", "tmpfs", "-o", "size=4m", "stem95su-full", small]);
    onSmall = await openBench(small);
  });
  afterEach(async () => {
    await onSmall.close();
    await run(["umount", small]);
    await rm(small, { recursive: true });
  });

  test("keeps the old site, says that it is full, frees what it took, and goes on when there is room", async () => {
    onSmall.fill(pages(5));
    expect(await onSmall.sync()).toMatchObject({ code: 0 });
    const before = await onSmall.site();
    onSmall.fill({ "film.html": "x".repeat(6 << 20), [pageName(1)]: "rewritten" });
    const ran = await onSmall.sync({ RCLONE_RETRIES_SLEEP: "1ms" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("file too big for remaining disk space");
    expect(ran.err).toContain("FAILED: The content volume is full");
    expect(ran.err).toContain("workstation:stem95su.volumeSize");
    expect(await onSmall.site()).toEqual(before);
    expect(await readdir(small)).not.toContain("next");

    onSmall.fill({ "film.html": "x".repeat(1 << 20) });
    expect(await onSmall.sync()).toMatchObject({ code: 0 });
    expect(await onSmall.site()).toMatchObject({ [pageName(1)]: "rewritten" });
  });

  test("an unchanged file takes no room of its own in the next tree", async () => {
    onSmall.fill({ ...pages(3), "film.html": "x".repeat(2_500_000) });
    expect(await onSmall.sync()).toMatchObject({ code: 0 });
    onSmall.fill({ [pageName(1)]: "rewritten" });
    expect(await onSmall.sync()).toMatchObject({ code: 0 });
    expect(await onSmall.site()).toMatchObject({ [pageName(1)]: "rewritten" });
  });
});

describe("a volume that is not as the last run left it", () => {
  test("a published tree that cannot be told is not taken for none: the run fails and removes nothing", async () => {
    const before = await publishedSite(5);
    const release = await realpath(join(bench.volume, "current"));
    await rm(join(bench.volume, "current"));
    await mkdir(join(bench.volume, "current"));
    bench.take(pageName(1));
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("'current' is no link that can be read");
    expect(await textsBelow(release)).toEqual(before);
  });

  test("a run that was killed between moving its tree and publishing it is repaired", async () => {
    await publishedSite(5);
    const release = await realpath(join(bench.volume, "current"));
    await rm(join(bench.volume, "current"));
    await symlink("releases/elsewhere", join(bench.volume, "current.new"));
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toEqual(pages(5));
    expect(await realpath(join(bench.volume, "current"))).not.toBe(release);
    await bench.sync();
    expect(await readdir(join(bench.volume, "releases"))).toHaveLength(1);
    expect((await readdir(bench.volume)).sort()).toEqual([".lock", "current", "metrics", "releases"]);
  });

  test("a link to a tree that is gone is replaced by a whole site", async () => {
    await publishedSite(5);
    await rm(await realpath(join(bench.volume, "current")), { recursive: true });
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toEqual(pages(5));
  });
});

describe("what the Drive may hold", () => {
  test("names that would lead out of the volume stay in it", async () => {
    await publishedSite(3);
    const parent = bench.drive.tree.folder(FOLDER);
    const text = { mimeType: "text/html", content: Buffer.from("hostile") };
    for (const name of ["../../../escaped.html", "..", "/etc/escaped.html", "a\nb.html", "\u001b[31mred.html", "-rf"]) {
      bench.drive.tree.add({ parent, name, ...text });
    }
    const ran = await bench.sync();
    expect(ran).toMatchObject({ code: 0 });
    const outside = spawnSync("find", [
      join(bench.volume, ".."),
      "/etc",
      "-name",
      "*escaped*",
      "-not",
      "-path",
      "*/releases/*",
    ]);
    expect(outside.stdout.toString()).toBe("");
    const site = await bench.site();
    expect(Object.values(site).filter((content) => content === "hostile")).toHaveLength(6);
    expect(ran.out + ran.err).not.toContain("\u001b");
  });

  test("of two files with one name one is taken, and the log says so", async () => {
    await publishedSite(3);
    const parent = bench.drive.tree.folder(FOLDER);
    bench.drive.tree.add({ parent, name: pageName(1), mimeType: "text/html", content: Buffer.from("a twin") });
    const ran = await bench.sync();
    expect(ran.code).toBe(0);
    expect(ran.err).toContain("Duplicate object found in source");
    expect(Object.keys(await bench.site())).toHaveLength(3);
  });

  test("documents without bytes and shortcuts to elsewhere are not published", async () => {
    await publishedSite(3);
    const parent = bench.drive.tree.folder(FOLDER);
    const diary = bench.drive.tree.put("private/diary.html", "private");
    bench.drive.tree.add({ parent, name: "notes", mimeType: DOCUMENT });
    bench.drive.tree.add({ parent, name: "diary.html", mimeType: SHORTCUT, target: diary.id });
    bench.drive.tree.add({ parent, name: "loop", mimeType: SHORTCUT, target: parent });
    expect(await bench.sync()).toMatchObject({ code: 0 });
    expect(await bench.site()).toEqual(pages(3));
  });
});

describe("credentials", () => {
  test("the mounted configuration is only read, and no secret of it is ever said", async () => {
    bench.fill(pages(30));
    const secret = await mkdtemp(join(tmpdir(), "stem95su-secret-"));
    const conf = join(secret, "rclone.conf");
    await writeFile(conf, bench.drive.rcloneConf("127.0.0.1"));
    await chmod(conf, 0o400);
    const before = await readFile(conf, "utf8");
    const said = [await bench.sync({ SECRET_CONF: conf })];
    bench.take(...pageNames(1, 28));
    said.push(await bench.sync({ SECRET_CONF: conf }));
    bench.drive.troubles.expired = true;
    said.push(await bench.sync({ SECRET_CONF: conf }));
    expect(said.map(({ code }) => code)).toEqual([0, 1, 1]);
    expect(await readFile(conf, "utf8")).toBe(before);
    expect(JSON.stringify(said)).not.toMatch(/lab-secret|lab-refresh|access_token/);
    await rm(secret, { recursive: true });
  });

  test.each([
    ["an empty configuration", "", "holds no rclone configuration"],
    ["a configuration without the remote", "[other]\ntype = local\n", "has no remote [gdrive]"],
    ["a remote that may write", "[gdrive]\ntype = drive\nscope = drive\n", "is not limited to reading"],
    ["a remote without a scope, which means all", "[gdrive]\ntype = drive\n", "is not limited to reading"],
  ])("%s is refused with the place to fix it", async (_, conf, message) => {
    await bench.configure(conf);
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
    expect(ran.err).toContain("secret/stem95su, property rclone_conf");
  });
});

test("nothing is ever written to the Drive, in a life of changes, deletions, failures and kills", async () => {
  const { drive } = bench;
  await publishedSite(40);
  const steps: (() => void)[] = [
    () => bench.fill(rewritten(40)),
    () => bench.take(...pageNames(1, 25)),
    () => bench.take(...pageNames(26, 39)),
    () => bench.fill({ ...pages(3), "sub/dir/x.html": "x" }),
    () => (drive.troubles.incomplete = true),
    () => (drive.troubles.incomplete = false),
  ];
  for (const step of steps) {
    step();
    const content = drive.tree.digest();
    await bench.sync();
    expect(drive.tree.digest()).toBe(content);
  }
  const verbs = new Set(drive.requests.filter((request) => !request.includes("/token")).map((it) => it.split(" ")[0]));
  expect([...verbs]).toEqual(["GET"]);
  expect(drive.requests.length).toBeGreaterThan(100);
});

test("the lab's Drive would notice a write: rclone's own attempt is recorded and refused", async () => {
  bench.fill(pages(2));
  const content = bench.drive.tree.digest();
  const conf = join(bench.volume, "rclone.conf");
  await writeFile(conf, bench.drive.rcloneConf("127.0.0.1"));
  const argv = [join(await toolPath("rclone"), "rclone"), "copy", bench.volume, `gdrive:${FOLDER}`, "--retries", "1"];
  const env = { RCLONE_CONFIG: conf, RCLONE_LOW_LEVEL_RETRIES: "1" };
  await expect(run(argv as [string, ...string[]], { env })).rejects.toThrow("the token may only read");
  expect(bench.drive.requests.some((request) => /^POST .*\/upload\/drive/.test(request))).toBe(true);
  expect(bench.drive.tree.digest()).toBe(content);
});

test("a second run beside the first gives up and harms nothing", async () => {
  bench.fill(pages(6));
  bench.drive.troubles.downloadMs = 400;
  const first = ended(bench.start());
  await seen(() => bench.drive.requests.length > 3);
  await mkdir(join(bench.volume, "second"));
  const second = await bench.sync({ SCRATCH: join(bench.volume, "second") });
  expect(second.code).toBe(1);
  expect(second.err).toContain("Another run is at work");
  expect(await first).toMatchObject({ code: 0 });
  expect(await bench.site()).toEqual(pages(6));
});

/** Kills a run as a container is killed: all of it, and gone before anything else happens. */
async function kill(child: ChildProcess): Promise<void> {
  process.kill(-(child.pid ?? 0), "SIGKILL");
  await run(["flock", "--wait", "10", join(bench.volume, ".lock"), "true"]);
}

const downloads = () => bench.drive.requests.filter((request) => /\/files\/id-\d+$/.test(request));

const isRewritten = (text: string) => text.endsWith(", rewritten");

/** What somebody meets who reads the whole tree again and again, until the run is over. */
async function metDuring(ending: Promise<unknown>, tree: () => Promise<string>): Promise<readonly string[]> {
  let over = false;
  const ended = ending.finally(() => (over = true));
  const met: string[] = [];
  while (!over) {
    const files = await textsBelow(await tree());
    const texts = Object.keys(pages(12)).map((name) => files[name] ?? "");
    met.push(texts.every(isRewritten) ? "new" : texts.some(isRewritten) ? "mixture" : "old");
  }
  await ended;
  return met;
}

/** Waits until it is so. */
async function seen(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(10);
}
