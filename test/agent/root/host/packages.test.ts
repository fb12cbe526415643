/** What a host lacks is asked of apt before the first write, and apt's failures are sentences with a remedy. */
import { expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { aptFailure, plannedVersions } from "../../../../agent/root/host/apt-failure.ts";
import { convergeHost } from "../../../../agent/root/host/converge-host.ts";
import { assertInstallable, packagesStep } from "../../../../agent/root/host/packages.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { base } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

/** Versions by name that apt can have once its lists are there. */
interface Apt {
  readonly installed: readonly string[];
  readonly candidates?: Readonly<Record<string, string>>;
  /** The lists have to be fetched first, or cannot be. */
  readonly lists?: "there" | "absent" | "out of reach";
}

function hostWith({ installed, candidates = {}, lists = "there" }: Apt) {
  const { sys } = memoryDoor();
  const has = new Set(installed);
  const ran: string[] = [];
  let hasLists = lists === "there";
  const run = async (argv: readonly string[]) => {
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    const answer = (code: number, stdout: string, stderr = "") => ({
      ...{ argv, code, stdout, stderr, timedOut: false, overflowed: false },
    });
    if (argv[0]?.endsWith("dpkg-query")) {
      const known = argv.slice(4).filter((name) => has.has(name));
      return answer(known.length === argv.length - 4 ? 0 : 1, known.map((name) => `${name} installed\n`).join(""));
    }
    ran.push(argv.includes("--simulate") ? `simulate ${names.join(" ")}` : `${argv[1]} ${names.join(" ")}`.trim());
    if (argv[1] === "update") {
      if (lists !== "out of reach") hasLists = true;
      return lists === "out of reach"
        ? answer(0, "Err:1 http://mirror.test trixie\n", "W: Failed to fetch x  Could not resolve 'mirror.test'\n")
        : answer(0, "");
    }
    const unknown = names.filter((name) => !hasLists || candidates[name] === undefined);
    if (unknown.length > 0) return answer(100, "", unknown.map((n) => `E: Unable to locate package ${n}\n`).join(""));
    if (!argv.includes("--simulate")) for (const name of names) has.add(name);
    const lines = ["libneeded", ...names].map(
      (name) => `Inst ${name} (${candidates[name] ?? "1"} Debian:13/stable [all])`,
    );
    return answer(0, lines.join("\n"));
  };
  const m = machineOf({ ...sys, run });
  return { m, ran };
}

const said = async (
  m: ReturnType<typeof hostWith>["m"],
  wanted: readonly string[],
  mode: "apply" | "check" = "apply",
) => {
  const lines: string[] = [];
  await converge(packagesStep(m, wanted), mode, (line) => lines.push(line));
  return lines;
};

test("a host that has everything is asked of dpkg alone", async () => {
  const { m, ran } = hostWith({ installed: ["git", "zsh"] });
  await assertInstallable(m, ["git", "zsh"]);
  expect([await said(m, ["git", "zsh"]), ran]).toEqual([[], []]);
});

test("a bare host without lists gets them, and is told which version of what is installed", async () => {
  const { m, ran } = hostWith({ installed: [], candidates: { git: "1:2.47.3-0", zsh: "5.9-8" }, lists: "absent" });
  await assertInstallable(m, ["git", "zsh"]);
  expect(await said(m, ["git", "zsh"], "check")).toEqual([
    "would install git 1:2.47.3-0, zsh 5.9-8 and 1 package that they depend on",
  ]);
  expect(await said(m, ["git", "zsh"])).toEqual([
    "installed git 1:2.47.3-0, zsh 5.9-8 and 1 package that they depend on",
  ]);
  expect(ran.filter((line) => !line.startsWith("simulate"))).toEqual(["update", "install git zsh"]);
});

test("every name that apt does not know is refused at once, and nothing is installed", async () => {
  const { m, ran } = hostWith({ installed: ["git"], candidates: { zsh: "5.9" } });
  await expect(assertInstallable(m, ["git", "zhs", "zsh", "tmxu"])).rejects.toThrow(
    "apt knows no package zhs, tmxu on this host. Nothing was changed. Correct devvm.packages, or add the repository " +
      "that has it; to search, run there: apt-cache search zhs",
  );
  expect(ran.some((line) => line.startsWith("install"))).toBe(false);
});

test("where the lists cannot be fetched, that is the reason and not the name", async () => {
  const { m } = hostWith({ installed: [], candidates: { zsh: "5.9" }, lists: "out of reach" });
  await expect(assertInstallable(m, ["zsh"])).rejects.toThrow(
    /^apt knows no package zsh on this host, and its lists could not be updated: the name of the package server mirror\.test cannot be resolved; check/,
  );
});

test("a host without the programs of its packages fails once, and not at each step that runs them", async () => {
  const { m } = hostWith({ installed: [], candidates: {} });
  const { failed } = await convergeHost(m, base({ packages: ["sudo"] }), "apply", () => undefined);
  expect(failed).toEqual([
    expect.stringContaining("expected to install sudo, but Unable to locate package sudo"),
    expect.stringContaining(
      "expected /usr/sbin/visudo (package sudo) and /usr/sbin/nft (package nftables) on this host",
    ),
  ]);
});

test.each([
  [
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)\nE: Unable to acquire",
    "unattended-upgr (process 812) is installing packages; wait until it has ended, then deploy again",
  ],
  [
    "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'",
    "an earlier installation was interrupted; on",
  ],
  [
    "E: You don't have enough free space in /var/cache/apt/archives/.",
    "there is not enough free space in /var/cache/apt",
  ],
  ["E: Failed to fetch x  Could not connect to mirror.test:80 (10.0.0.1)", "the package server mirror.test does not"],
  ["E: The repository 'http://m trixie Release' is not signed.", "a package repository is not signed by a key"],
  ["E: Packages need to be removed but remove is disabled.", "other packages would have to be removed for them"],
  ["The following packages have unmet dependencies:\nE: Unable to correct", "packages on the host are held or broken"],
  ["E: Something new", "Something new; on the host, run: apt-get update"],
])("apt's %j is a cause with a remedy", (stderr, expected) => {
  expect(aptFailure({ stdout: "", stderr, timedOut: false })).toContain(expected);
});

test("the versions of a simulated run are read of new and of upgraded packages", () => {
  const text =
    "Inst tmux (3.5a-3 Debian:13.1/stable [amd64])\nInst git [1:2.39] (1:2.47 Debian:13/stable [amd64])\nConf tmux (3.5a)";
  expect([...plannedVersions(text)]).toEqual([
    ["tmux", "3.5a-3"],
    ["git", "1:2.47"],
  ]);
});
