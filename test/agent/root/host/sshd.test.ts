/** What sshd reads counts, whatever the installed file says. */
import { expect, test } from "vitest";
import { sshdFaults } from "../../../../agent/root/host/sshd.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const OURS = "/etc/ssh/sshd_config.d/50-workstation.conf";

/** @param stdout what `sshd -T` prints; undefined where `sshd -t` fails, and says so */
function faults(stdout: string | undefined, isInstalled = true, stderr = "", code: number | "missing" = 255) {
  const { sys, files } = memoryDoor();
  if (isInstalled) files.set(OURS, "");
  const run = async (argv: readonly string[]) => ({
    ...{
      argv,
      code: stdout !== undefined ? 0 : code === "missing" ? undefined : code,
      stdout: stdout ?? "",
      stderr,
      timedOut: false,
      overflowed: false,
    },
  });
  return sshdFaults(machineOf({ ...sys, run }));
}

test.each([
  ["as installed", "port 22\nusepam yes\nmaxstartups 100:30:300\n"],
  ["with more than that", "usepam yes\nmaxstartups 500:30:900\n"],
])("an sshd %s has no fault", async (_, text) => {
  expect(await faults(text)).toEqual([]);
});

test("an sshd that would not start again is named with its own words", async () => {
  const broken = "/etc/ssh/sshd_config: line 3: Bad configuration option: Prot\n";
  expect(await faults(undefined, true, broken)).toEqual([
    expect.stringMatching(
      /^sshd does not accept its configuration, so nobody gets in once .*Bad configuration option: Prot/,
    ),
  ]);
  expect(await faults(undefined, true, "Missing privilege separation directory: /run/sshd\n")).toEqual([]);
  expect(await faults(undefined, true, "spawn /usr/sbin/sshd ENOENT", "missing")).toEqual([]);
});

test("sshd is asked about a connection that every kind of Match block can be judged by", async () => {
  const { sys, files } = memoryDoor();
  files.set(OURS, "");
  const asked: (readonly string[])[] = [];
  const run = async (argv: readonly string[]) => {
    asked.push(argv);
    return { argv, code: 0, stdout: "", stderr: "", timedOut: false, overflowed: false };
  };
  await sshdFaults(machineOf({ ...sys, run }));
  const words = asked.at(-1)?.at(-1)?.split(",") ?? [];
  expect(words.map((word) => word.split("=")[0])).toEqual(["user", "host", "addr", "laddr", "lport"]);
});

test("a host without the file has none either", async () => {
  expect(await faults("usepam no\nmaxstartups 10:30:100\n", false)).toEqual([]);
});

test("a value that another file sets first, and a sshd without PAM, are named with what they do", async () => {
  expect(await faults("usepam no\nmaxstartups 10:30:100\n")).toEqual([
    expect.stringMatching(
      /^sshd has MaxStartups 10:30:100, expected 100 or more, .* before \/etc\/ssh\/sshd_config\.d\/50-workstation\.conf, or no/,
    ),
    expect.stringMatching(/^sshd has UsePAM no, so it lets in nobody whose password is locked/),
  ]);
});
