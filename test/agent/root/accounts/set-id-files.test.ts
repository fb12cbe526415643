/** The bounded search for set-id programs: where it looks, and that it names those that no package owns. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "../../../../agent/lib/exec.ts";
import { homeDirectories } from "../../../../agent/root/accounts/parents-of-homes.ts";
import { mountsToSearch, scanSetIdFiles } from "../../../../agent/root/accounts/set-id-files.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { memoryDoor } from "../../in-memory-system.ts";

/** One line of `/proc/self/mountinfo`. */
const mount = (point: string, of: { device?: string; root?: string; options?: string; type?: string } = {}) =>
  `1 1 ${of.device ?? "8:1"} ${of.root ?? "/"} ${point} rw,${of.options ?? "relatime"} shared:1 - ${of.type ?? "ext4"} x rw`;
const mounts = (lines: readonly string[], homes: readonly string[] = ["/home"]) =>
  mountsToSearch(`${lines.join("\n")}\n`, homes);
const search = (...lines: readonly string[]) => {
  const { searched, skipped } = mounts(lines);
  return { searched, skipped };
};
const ROOT = mount("/");

describe("the file systems that are searched", () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ["the root", [ROOT], ["/"]],
    ["another local one", [ROOT, mount("/srv", { device: "8:2" })], ["/", "/srv"]],
    ["not those on which the bits do nothing", [ROOT, mount("/tmp", { device: "0:9", options: "nosuid" })], ["/"]],
    ["not those of the kernel or a network", [ROOT, mount("/n", { device: "0:9", type: "nfs4" })], ["/"]],
    ["not what a guest is shown of its host", [ROOT, mount("/run/host/incoming", { root: "/guests/in" })], ["/"]],
    ["not homes", [ROOT, mount("/home", { device: "8:2" }), mount("/home/emo", { device: "8:3" })], ["/"]],
    ["not a part of the root that is mounted again", [ROOT, mount("/srv/x", { root: "/home/emo" })], ["/"]],
    [
      "not images' layers",
      [ROOT, mount("/var/lib/docker/overlay2/a/merged", { device: "0:9", type: "overlay" })],
      ["/"],
    ],
  ])("are %s", (_, lines, searched) => {
    expect(search(...lines)).toEqual({ searched, skipped: [] });
  });

  test.each<[string, readonly string[], string]>([
    [
      "a part of the file system of the homes",
      [mount("/home", { device: "8:2" }), mount("/m", { device: "8:2", root: "/emo" })],
      "/m",
    ],
    ["the whole of it under another name", [mount("/home", { device: "8:2" }), mount("/m", { device: "8:2" })], "/m"],
    ["the root that is mounted as the homes", [mount("/home", { root: "/@" })], "/"],
    ["a part of a file system that is not below the root", [mount("/srv", { device: "8:1", root: "/@srv" })], "/srv"],
  ])("that cannot be told from homes are named: %s", (_, lines, skipped) => {
    const searched = skipped === "/" ? [] : ["/"];
    expect(search(mount("/", { root: "/@" }), ...lines)).toEqual({ searched, skipped: [skipped] });
  });

  test("a mount point with a space is the one that it is", () => {
    expect(search(mount("/my\\040disk", { device: "8:2" })).searched).toEqual(["/my disk"]);
  });
});

describe("the directory behind a home", () => {
  test.each<[string, readonly string[], readonly string[], string]>([
    ["that is mounted as all homes", [ROOT, mount("/home", { root: "/data/homes" })], ["/home"], "/data/homes"],
    [
      "that is mounted as one home",
      [ROOT, mount("/home/emo", { root: "/data/my\\040emo" })],
      ["/home"],
      "/data/my emo",
    ],
    ["that is mounted in a home", [ROOT, mount("/home/emo/work", { root: "/work" })], ["/home"], "/work"],
    ["of a root that is a part", [mount("/", { root: "/@" }), mount("/home", { root: "/@/h" })], ["/home"], "/h"],
    ["elsewhere", [ROOT, mount("/data", { device: "8:2" })], ["/data/emo"], "/data/emo"],
    [
      "under another mount of its file system",
      [ROOT, mount("/a", { device: "8:2" }), mount("/b", { device: "8:2" })],
      ["/a/emo"],
      "/b/emo",
    ],
  ])("is left out: %s", (_, lines, homes, left) => {
    expect(mounts(lines, homes).pruned).toContain(left);
  });
});

describe("homes", () => {
  const account = (home: string, uid = 2000) => ({ name: "emo", uid, gid: uid, home, shell: "/bin/zsh" });
  const system = (links: Readonly<Record<string, string>>) => {
    const looked: string[] = [];
    const readLink = (path: string) => {
      looked.push(path);
      return links[path];
    };
    return { sys: { ...memoryDoor().sys, readLink }, looked };
  };

  test.each<[string, Readonly<Record<string, string>>, string, readonly string[]]>([
    ["in the folder of homes", {}, "/home/emo", ["/home"]],
    ["elsewhere", {}, "/srv/emo/", ["/home", "/srv/emo"]],
    ["with a link for all of them", { "/home": "data/homes" }, "/home/emo", ["/home", "/data/homes"]],
    ["with a link for one", { "/home/emo": "../data/./emo" }, "/home/emo", ["/home", "/data/emo"]],
    ["with a link to another home", { "/home/emo": "anca" }, "/home/emo", ["/home"]],
    [
      "behind more than one link",
      { "/home": "/data", "/data": "/disk", "/disk/emo": "/other" },
      "/home/emo",
      ["/home", "/disk", "/other"],
    ],
  ])("are found %s", (_, links, home, found) => {
    expect(homeDirectories(system(links).sys, [account(home)])).toEqual(found);
  });

  test("of the system's own accounts are no homes", () => {
    expect(homeDirectories(system({}).sys, [account("/usr/sbin", 1), account("/", 2001)])).toEqual(["/home"]);
  });

  test.each<[string, Readonly<Record<string, string>>, string]>([
    ["a circle of links", { "/home/emo": "emo" }, "the home /home/emo leads through more than 40 symbolic links"],
    [
      "a link through another home",
      { "/home/emo": "anca/x" },
      "the home /home/emo leads below /home/anca, a home where root does not look",
    ],
  ])("that cannot be determined leave all unsearched: %s", async (_, links, why) => {
    const { sys, looked } = system(links);
    expect(await scanSetIdFiles(sys, `${ROOT}\n`, [account("/home/emo")])).toEqual({
      files: [],
      incomplete: `nothing was searched, because ${why}`,
    });
    expect(looked).not.toContain("/home/anca/x");
  });
});

describe("the search", () => {
  const folder = mkdtempSync(join(tmpdir(), "set-id-"));
  chmodSync(folder, 0o755);
  afterAll(() => rmSync(folder, { recursive: true }));
  const make = (name: string, mode: number) => {
    const path = join(folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
    chmodSync(path, mode);
    return path;
  };
  const plain = make("plain", 0o755);
  const user = make("user id", 0o4755);
  const group = make("deep/group", 0o2755);
  const packaged = make("packaged", 0o4755);
  make("other mount [1]/hidden", 0o4755);
  make("home/hidden", 0o4755);
  symlinkSync(user, join(folder, "link"));
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) {
    make("root alone/hidden", 0o4755);
    chmodSync(join(folder, "root alone"), 0o700);
  }

  /** The real `find`, and a package that owns one of the files. */
  const scan = async (over: Partial<Awaited<ReturnType<System["run"]>>> = {}) => {
    const { sys } = memoryDoor();
    const real: System["run"] = async (argv, options) => {
      if (argv[0]?.endsWith("dpkg-query")) {
        return { argv, code: 1, stdout: `some: ${packaged}\n`, stderr: "", timedOut: false, overflowed: false };
      }
      return { ...(await run(argv, { timeoutMs: options?.timeoutMs ?? 0 })), ...over };
    };
    const points = [folder, join(folder, "other mount [1]")].map((point) =>
      mount(point.replaceAll(" ", "\\040"), point === folder ? {} : { type: "nfs" }),
    );
    const home = join(folder, "home");
    const users = [{ name: "emo", uid: 2000, gid: 2000, home, shell: "/bin/zsh" }];
    return scanSetIdFiles({ ...sys, run: real }, points.join("\n"), users);
  };

  test("finds both kinds of bits, follows no link, crosses into no other mount, enters no home and no folder that is root's alone, and leaves out packages' files", async () => {
    const { files, incomplete } = await scan();
    expect(incomplete).toBeUndefined();
    expect([...files].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: group, uid },
      { path: user, uid },
    ]);
    expect(files.some(({ path }) => path === plain)).toBe(false);
  });

  test.each([{ timedOut: true }, { overflowed: true }, { code: 1 }])(
    "that does not end well says so: %o",
    async (over) => {
      expect((await scan(over)).incomplete).toBe(`the search of ${folder} did not end well`);
    },
  );
});

describe("the question for packages", () => {
  const ask = async (paths: readonly string[], over: Partial<Awaited<ReturnType<System["run"]>>> = {}) => {
    const asked: number[] = [];
    const runs: System["run"] = async (argv) => {
      const ran = { argv, code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
      if (!argv[0]?.endsWith("dpkg-query")) return { ...ran, stdout: paths.map((path) => `2000 ${path}\0`).join("") };
      const names = argv.slice(3);
      asked.push(names.length);
      const stdout = names.flatMap((name) => (name.endsWith("packaged") ? [`some: ${name}\n`] : [])).join("");
      return { ...ran, code: 1, stdout, ...over };
    };
    return { ...(await scanSetIdFiles({ ...memoryDoor().sys, run: runs }, `${ROOT}\n`, [])), asked };
  };
  const many = (count: number, length = 1) => Array.from({ length: count }, (_, at) => `/x/${"y".repeat(length)}${at}`);

  test("is put for a bounded number of paths at a time, and the list has an end that is told", async () => {
    const { files, incomplete, asked } = await ask([...many(2400), "/usr/bin/packaged"]);
    expect(asked).toEqual([1000, 1000, 402]);
    expect([files.length, incomplete]).toEqual([1000, "1400 more files are not listed"]);
    expect((await ask(["/bin/packaged", "/x/y"])).files).toEqual([{ path: "/x/y", uid: 2000 }]);
  });

  test("is put for fewer paths where they are long", async () => {
    const { asked, incomplete } = await ask(many(60, 4000));
    expect(asked).toEqual([24, 24, 12]);
    expect(incomplete).toBeUndefined();
  });

  test.each([{ timedOut: true }, { overflowed: true }, { code: 2 }, { code: undefined }])(
    "that is not answered says so and loses no file: %o",
    async (over) => {
      const { files, incomplete } = await ask(["/x/y"], over);
      expect(files).toEqual([{ path: "/x/y", uid: 2000 }]);
      expect(incomplete).toBe("the packages of some files could not be determined");
    },
  );
});

test("a program with more arguments than the kernel takes did not start, and says why", async () => {
  const ran = await run(["/bin/true", ...Array.from({ length: 100 }, () => "x".repeat(100_000))], { timeoutMs: 5000 });
  expect(ran).toMatchObject({ code: undefined, stderr: expect.stringContaining("E2BIG") });
});
