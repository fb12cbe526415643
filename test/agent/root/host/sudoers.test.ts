/** A sudo that does not take the program's rules is found before anything is written, and named on a host that got it later. */
import type { Stats } from "node:fs";
import { describe, expect, test } from "vitest";
import { asset } from "../../../../agent/lib/assets.ts";
import { apply } from "../../../../agent/root/commands/apply-part.ts";
import { problemsOfHost } from "../../../../agent/root/commands/find-problems.ts";
import { convergeHost } from "../../../../agent/root/host/converge-host.ts";
import { sudoFault } from "../../../../agent/root/host/sudoers.ts";
import { storePart } from "../../../../agent/root/state/stored-parts.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { base } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const CLASSIC = { sudo: "Sudo version 1.9.13p3", visudo: "visudo version 1.9.13p3" };
const RS = { sudo: "sudo-rs 0.2.5", visudo: "visudo-rs 0.2.5" };

/** A host whose two programs say these versions; those of `rs`, and old ones, take no regular expression. */
function hostWith({ sudo, visudo }: { sudo: string; visudo: string }, programs = ["sudo", "visudo", "nft"]) {
  const { sys, files } = memoryDoor();
  const paths = { sudo: "/usr/bin/sudo", visudo: "/usr/sbin/visudo", nft: "/usr/sbin/nft" };
  for (const name of programs) files.set(paths[name as keyof typeof paths], "");
  const ran: string[] = [];
  const run = async (argv: readonly string[], { input = "" }: { input?: string } = {}) => {
    const line = argv.join(" ");
    ran.push(line);
    const answer = (code: number, stdout: string, stderr = "") => ({
      ...{ argv, code, stdout, stderr, timedOut: false, overflowed: false },
    });
    if (line === "/usr/bin/sudo --version") return answer(0, `${sudo}\nmore\n`);
    if (line === "/usr/sbin/visudo --version") return answer(0, `${visudo}\nmore\n`);
    const rejects = /-rs|1\.8/.test(visudo) && input.includes("^[a-z");
    if (argv[0] === "/usr/sbin/visudo") return answer(rejects ? 1 : 0, "", rejects ? "syntax error near line 4" : "");
    const names = argv.includes("--") ? argv.slice(argv.indexOf("--") + 1) : [];
    return answer(0, names.map(() => "LoadState=loaded\nActiveState=active\n").join("\n"));
  };
  return { system: { ...sys, run }, m: machineOf({ ...sys, run }), files, ran };
}

test.each([
  ["the sudo that everybody has", CLASSIC, undefined],
  ["sudo-rs", RS, "/etc/sudoers.d/workstation-sessions is rejected by visudo (visudo-rs 0.2.5): "],
  ["an old one", { ...CLASSIC, visudo: "visudo version 1.8.31" }, "is rejected by visudo (visudo version 1.8.31): "],
  [
    "sudo-rs with the other visudo",
    { ...RS, visudo: CLASSIC.visudo },
    "/usr/bin/sudo is sudo-rs 0.2.5 and /usr/sbin/visudo is visudo version",
  ],
])("of %s is said what keeps it from taking the rules", async (_, versions, fault) => {
  expect(await sudoFault(hostWith(versions).m)).toEqual(
    fault === undefined ? undefined : expect.stringContaining(fault),
  );
});

test("a host without sudo has no fault: its package is yet to be installed", async () => {
  expect(await sudoFault(hostWith(RS, ["visudo", "nft"]).m)).toBeUndefined();
});

describe("a host with sudo-rs", () => {
  test("refuses the delivery of its base before the first write, packages included", async () => {
    const { system, files, ran } = hostWith(RS);
    const before = [...files.keys()];
    await expect(apply(system, "base", "host", JSON.stringify(base()), undefined)).rejects.toThrow(
      /workstation-sessions is rejected by visudo .*syntax error near line 4; install sudo 1\.9\.10 or newer.* Nothing was changed$/,
    );
    expect([...files.keys()]).toEqual(before);
    expect(ran.filter((line) => /dpkg|apt/.test(line))).toEqual([]);
  });

  test("that its packages brought prepares nothing that needs it", async () => {
    const { m, files } = hostWith(RS);
    const { failed } = await convergeHost(m, base({ packages: [] }), "apply", () => undefined);
    expect(failed).toEqual([expect.stringMatching(/is rejected by visudo .* Nothing else of this host was prepared$/)]);
    expect([...files.keys()].filter((path) => path.startsWith("/etc/"))).toEqual([]);
  });

  test("that it got later is a problem of the host, though every file is as it should be", async () => {
    const { m } = hostWith({ ...RS, visudo: CLASSIC.visudo });
    storePart(m.sys, base());
    expect(await problemsOfHost(m)).toEqual([expect.stringContaining("/usr/bin/sudo is sudo-rs 0.2.5")]);
    const right = hostWith(CLASSIC);
    storePart(right.m.sys, base());
    expect(await problemsOfHost(right.m)).toEqual([]);
  });
});

test("sudo is not asked in a run that changes none of its files", async () => {
  const { system, files, ran } = hostWith(RS);
  const inPlace = (path: string) =>
    files.has(path)
      ? ({ isFile: () => true, isSymbolicLink: () => false, mode: 0o440, uid: 0, gid: 0 } as Stats)
      : undefined;
  files
    .set("/etc/sudoers.d/workstation", asset("sudoers"))
    .set("/etc/sudoers.d/workstation-sessions", asset("sudoers-sessions"));
  await convergeHost(machineOf({ ...system, look: inPlace }), base({ packages: [] }), "check", () => undefined);
  expect(ran.filter((line) => line.includes("sudo"))).toEqual([]);
});
