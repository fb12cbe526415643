/** The sync's script with the real rclone and its drive backend, against the lab's Drive: every guard, one by one. */

import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { run } from "../../../lab/run.ts";
import { toolPath } from "../../../lab/toolchain/index.ts";
import { type Bench, FOLDER, openBench, pageName, pageNames, pages, published, SCRIPT } from "./sync-fixture.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

/** A site of `count` files, published. */
async function publishedSite(count: number): Promise<Record<string, string>> {
  bench.fill(pages(count));
  expect(await bench.sync()).toMatchObject({ code: 0 });
  return bench.site();
}

test("the script has nothing that shellcheck knows of", () => {
  expect(spawnSync("shellcheck", [SCRIPT], { encoding: "utf8" })).toMatchObject({ status: 0, stdout: "" });
});

describe("what a run does", () => {
  test("the first run publishes the whole folder, subfolders included", async () => {
    bench.fill({ ...pages(5), "img/logo.svg": "<svg/>" });
    const ran = await bench.sync();
    expect(ran).toEqual({ code: 0, out: "PUBLISHED: 6 new, 0 changed, 0 gone.\n", err: "" });
    expect(await bench.site()).toEqual({ ...pages(5), "img/logo.svg": "<svg/>" });
  });

  test("a run that finds no change publishes nothing and keeps the release", async () => {
    await publishedSite(5);
    const before = await published(bench.volume);
    expect(await bench.sync()).toEqual({ code: 0, out: `UNCHANGED: the site equals 'gdrive:${FOLDER}'.\n`, err: "" });
    expect(await published(bench.volume)).toBe(before);
  });

  test("new, changed and deleted files are published together", async () => {
    await publishedSite(5);
    bench.fill({ "page-001.html": "rewritten", "new.html": "new" });
    bench.take("page-002.html");
    expect(await bench.sync()).toEqual({ code: 0, out: "PUBLISHED: 1 new, 1 changed, 1 gone.\n", err: "" });
    const { "page-002.html": _, ...rest } = pages(5);
    expect(await bench.site()).toEqual({ ...rest, "page-001.html": "rewritten", "new.html": "new" });
  });

  test("the time of the last good run is left for Prometheus, by a run without changes too", async () => {
    const time = async () =>
      Number(/ (\d+)\n$/.exec(await readFile(join(bench.volume, "metrics/metrics"), "utf8"))?.[1]);
    const startedS = Math.floor(Date.now() / 1000);
    await publishedSite(3);
    expect(await time()).toBeGreaterThanOrEqual(startedS);
    const before = await time();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await bench.sync();
    expect(await time()).toBeGreaterThan(before);
  });

  test("the tree before the current one stays until the next run and no longer", async () => {
    await publishedSite(3);
    bench.fill({ "new.html": "new" });
    await bench.sync();
    expect(await readdir(join(bench.volume, "releases"))).toHaveLength(2);
    await bench.sync();
    expect(await readdir(join(bench.volume, "releases"))).toEqual([(await published(bench.volume))?.slice(9)]);
  });
});

describe("a listing that cannot be trusted", () => {
  test("an expired token fails the run and the message names the remedy", async () => {
    const before = await publishedSite(5);
    bench.drive.troubles.expired = true;
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("its token has expired or was withdrawn");
    expect(ran.err).toContain("publish the app to Production");
    expect(ran.err).toContain("rclone config reconnect gdrive:");
    expect(ran.err).toContain("secret/stem95su, property rclone_conf");
    expect(await bench.site()).toEqual(before);
  });

  test.each([403, 404, 503])("a listing answered with %i fails the run", async (status) => {
    const before = await publishedSite(5);
    bench.drive.troubles.listingStatus = status;
    const ran = await bench.sync({ RCLONE_RETRIES: "1" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(`The folder 'gdrive:${FOLDER}' could not be listed`);
    expect(ran.err).toMatch(new RegExp(`${status}|directory not found`));
    expect(ran.err).not.toContain("Production");
    expect(await bench.site()).toEqual(before);
  });

  test("a Drive that does not answer fails the run", async () => {
    const before = await publishedSite(5);
    await bench.configure(bench.drive.rcloneConf("127.0.0.1").replace(`:${bench.drive.port}`, ":1"));
    const ran = await bench.sync({ RCLONE_RETRIES: "1" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("connection refused");
    expect(await bench.site()).toEqual(before);
  });

  test("a Drive that takes the question and never answers fails the run", async () => {
    const before = await publishedSite(5);
    bench.drive.troubles.silent = true;
    const ran = await bench.sync({ RCLONE_TIMEOUT: "1s", RCLONE_RETRIES: "1", RCLONE_LOW_LEVEL_RETRIES: "1" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("could not be listed");
    expect(await bench.site()).toEqual(before);
  });

  test("a listing that Drive itself calls incomplete fails the run, although rclone takes it", async () => {
    const before = await publishedSite(5);
    bench.take(pageName(1));
    bench.drive.troubles.incomplete = true;
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("search result INCOMPLETE");
    expect(await bench.site()).toEqual(before);
  });

  test("an empty listing skips the run", async () => {
    const before = await publishedSite(5);
    bench.take(...Object.keys(pages(5)));
    const ran = await bench.sync();
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("SKIPPED");
    expect(await bench.site()).toEqual(before);
  });

  test.each([
    ["without stem_board.html", () => bench.take("stem_board.html")],
    ["with an empty stem_board.html", () => bench.fill({ "stem_board.html": "" })],
    [
      "with stem_board.html in a subfolder alone",
      () => {
        bench.take("stem_board.html");
        bench.fill({ "old/stem_board.html": "old board" });
      },
    ],
  ])("a listing %s skips the run", async (_, change) => {
    const before = await publishedSite(5);
    change();
    bench.fill({ [pageName(1)]: "rewritten" });
    const ran = await bench.sync();
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.out).toContain("SKIPPED");
    expect(await bench.site()).toEqual(before);
  });

  test("a skipped run is no good run: the time for Prometheus stays", async () => {
    await publishedSite(3);
    const before = await readFile(join(bench.volume, "metrics/metrics"), "utf8");
    bench.take("stem_board.html");
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await bench.sync();
    expect(await readFile(join(bench.volume, "metrics/metrics"), "utf8")).toBe(before);
  });
});

describe("the brake on deletions", () => {
  test("is needed: rclone's own limit deletes 25 of 26 and then fails", async () => {
    const [from, to] = ["from", "to"].map((name) => join(bench.volume, name)) as [string, string];
    await Promise.all([mkdir(from), mkdir(to)]);
    await Promise.all(pageNames(1, 40).map((name) => writeFile(join(to, name), name)));
    await Promise.all(pageNames(27, 40).map((name) => copyFile(join(to, name), join(from, name))));
    const argv = [join(await toolPath("rclone"), "rclone"), "sync", "--max-delete", "25", from, to] as const;
    await expect(run([...argv], { env: { RCLONE_CONFIG: "/nonexistent/rclone.conf" } })).rejects.toThrow("exit code 7");
    expect(await readdir(to)).toHaveLength(15);
  });

  test.each([24, 25])("%i deletions pass", async (count) => {
    await publishedSite(40);
    bench.take(...pageNames(1, count));
    expect(await bench.sync()).toEqual({ code: 0, out: `PUBLISHED: 0 new, 0 changed, ${count} gone.\n`, err: "" });
    expect(Object.keys(await bench.site())).toHaveLength(40 - count);
  });

  test("26 deletions delete nothing at all, and the run fails with the number and the way out", async () => {
    const before = await publishedSite(40);
    bench.take(...pageNames(1, 26));
    bench.fill({ "new.html": "new" });
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("FAILED: 26 files of the site are missing or empty");
    expect(ran.err).toContain("a run may take away 25: none was taken");
    expect(ran.err).toContain("set workstation:stem95su.confirmDeletions to 26");
    expect(ran.err).toContain(pageName(1));
    expect(await bench.site()).toEqual(before);
  });

  test("a confirmation releases exactly its number", async () => {
    const before = await publishedSite(40);
    bench.take(...pageNames(1, 27));
    expect(await bench.sync({ CONFIRM_DELETIONS: "26" })).toMatchObject({ code: 1 });
    expect(await bench.sync({ CONFIRM_DELETIONS: "28" })).toMatchObject({ code: 1 });
    expect(await bench.site()).toEqual(before);
    expect(await bench.sync({ CONFIRM_DELETIONS: "27" })).toMatchObject({ code: 0 });
    expect(Object.keys(await bench.site())).toHaveLength(13);
  });

  test("files that were emptied count as deleted", async () => {
    const before = await publishedSite(40);
    bench.fill(Object.fromEntries(pageNames(1, 20).map((name) => [name, ""])));
    bench.take(...pageNames(21, 26));
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("FAILED: 26 files");
    expect(await bench.site()).toEqual(before);
  });

  test.each([
    ["deleted", () => bench.take(...pageNames(1, 26)), "--max-delete threshold reached"],
    ["emptied", () => bench.fill(Object.fromEntries(pageNames(1, 26).map((name) => [name, ""]))), "FAILED: 26 files"],
  ])("files that are %s after the dry run trip the brake too, and nothing is published", async (_, change, message) => {
    const before = await publishedSite(40);
    bench.fill({ "new.html": "new" });
    // A run lists three times: to look, for the dry run, and to fetch. The first run has done so.
    bench.drive.troubles.atListing = { count: 6, change };
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(message);
    expect(await bench.site()).toEqual(before);
    expect(await readdir(bench.volume)).not.toContain("next");
  });

  test("a board that vanishes after the dry run is not published away", async () => {
    const before = await publishedSite(5);
    bench.fill({ "new.html": "new" });
    bench.drive.troubles.atListing = { count: 6, change: () => bench.take("stem_board.html") };
    const ran = await bench.sync();
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("arrived without stem_board.html");
    expect(await bench.site()).toEqual(before);
  });
});
