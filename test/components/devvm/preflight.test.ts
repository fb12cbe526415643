/** What a host lacks is said by name before anything is written to it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { preflight } from "../../../components/devvm/preflight.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/preflight-`);
  const program = (name: string, text: string) =>
    writeFileSync(`${folder}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  program("node", "true");
  program("node-16", '[ "$1" = --version ] && { echo v16.20.2; exit; }; exit 1');
  program("sudo", "cat >/dev/null");
  program("sudo-rs", '[ "$1" = --version ] && { echo visudo-rs 0.2.3; exit; }; ! grep -qF "^a"');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exit code and message on a host with these programs. */
function check(node: string, visudo: string) {
  const lines = preflight({ node: `${folder}/${node}`, visudo: `${folder}/${visudo}` });
  const { status, stderr } = spawnSync("/bin/sh", ["-c", ["set -eu", ...lines].join("\n")], { encoding: "utf8" });
  return [status, stderr.replaceAll(folder, "")];
}

test.each([
  ["with both", "sudo"],
  ["without sudo", "none"],
])("a host %s passes", (_, visudo) => {
  expect(check("node", visudo)).toEqual([0, ""]);
});

test("node at another path than the units name is not taken for node", () => {
  expect(check("nodejs", "sudo")).toEqual([
    1,
    expect.stringMatching(
      /^\/nodejs is missing on this host \(node on the PATH: .+\), and the agent runs by it, 18 or newer; on the host, run: apt-get update && apt-get install --yes --no-install-recommends nodejs \(Debian 12/,
    ),
  ]);
});

test("a node that is too old for the agent is refused by its version", () => {
  expect(check("node-16", "sudo")).toEqual([
    1,
    expect.stringMatching(
      /^\/node-16 on this host is v16\.20\.2, and the agent needs 18 or newer; on the host, run: apt-get/,
    ),
  ]);
});

test("a sudo whose rules have no regular expressions is refused by its name and version", () => {
  expect(check("node", "sudo-rs")).toEqual([
    1,
    expect.stringContaining(
      "/sudo-rs on this host rejects regular expressions in sudoers (visudo-rs 0.2.3); install sudo 1.9.10",
    ),
  ]);
});
