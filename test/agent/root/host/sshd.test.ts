/** What sshd reads counts, whatever the installed file says. */
import { expect, test } from "vitest";
import { sshdFaults } from "../../../../agent/root/host/sshd.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const OURS = "/etc/ssh/sshd_config.d/50-workstation.conf";

/** @param stdout what `sshd -T` prints; undefined where it fails */
function faults(stdout: string | undefined, isInstalled = true) {
  const { sys, files } = memoryDoor();
  if (isInstalled) files.set(OURS, "");
  const run = async (argv: readonly string[]) => ({
    ...{
      argv,
      code: stdout === undefined ? 255 : 0,
      stdout: stdout ?? "",
      stderr: "",
      timedOut: false,
      overflowed: false,
    },
  });
  return sshdFaults(machineOf({ ...sys, run }));
}

test.each([
  ["as installed", "port 22\nusepam yes\nmaxstartups 100:30:300\n"],
  ["with more than that", "usepam yes\nmaxstartups 500:30:900\n"],
  ["that cannot tell", undefined],
])("an sshd %s has no fault", async (_, text) => {
  expect(await faults(text)).toEqual([]);
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
