/** What a host lacks is said by name before anything is written to it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  program("sudo", '[ "$1" = --version ] && { echo Sudo version 1.9.13p3; exit; }; cat >/dev/null');
  program("sudo-alone-rs", "echo sudo-rs 0.2.5");
  program("sudo-rs", '[ "$1" = --version ] && { echo visudo-rs 0.2.3; exit; }; ! /usr/bin/grep -qF "^a"');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Exit code and message on a host with these programs. */
function check(node: string, visudo: string, sudo = visudo) {
  const lines = preflight({ node: `${folder}/${node}`, sudo: `${folder}/${sudo}`, visudo: `${folder}/${visudo}` });
  const { status, stderr } = spawnSync("/bin/sh", ["-c", ["set -eu", ...lines].join("\n")], { encoding: "utf8" });
  return [status, stderr.replaceAll(folder, "")];
}

test.each([
  ["with both", "sudo"],
  ["without sudo", "none"],
])("a host %s passes", (_, visudo) => {
  expect(check("node", visudo)).toEqual([0, ""]);
});

/** On a host whose PATH has only the usual small programs; `apt` is a script. */
function installOn(apt: string, path = "/no-node", visudo = "none") {
  const node = `${folder}/made-node`;
  rmSync(node, { force: true });
  writeFileSync(`${folder}/apt`, `#!/bin/sh\n${apt}\n`, { mode: 0o755 });
  const tools = ["sed", "head", "tr", "cat", "chmod", "readlink", "grep"].map(
    (name) => `${name}() { /usr/bin/${name} "$@"; }`,
  );
  const lines = ["set -eu", ...tools, ...preflight({ node, sudo: "none", visudo }, `${folder}/apt`)];
  const ran = spawnSync("/bin/sh", ["-c", lines.join("\n")], { encoding: "utf8", env: { PATH: path, NODE: node } });
  return { status: ran.status, said: (ran.stdout + ran.stderr).replaceAll(folder, ""), isThere: existsSync(node) };
}
const MAKE_NODE = `/bin/echo '#!/bin/sh
[ "$1" != --version ] || echo v18.20.4' > "$NODE"; /bin/chmod 755 "$NODE"`;

test("a host without node gets Debian's, also where apt has no lists yet", () => {
  const made = { status: 0, said: "host: installed nodejs v18.20.4, by which the agent runs\n", isThere: true };
  expect(installOn(`[ "$1" != install ] || { ${MAKE_NODE}; }`)).toEqual(made);
  const lists = `${folder}/lists`;
  const needsLists = `case $1 in update) : > ${lists} ;; *) [ -e ${lists} ] || { echo "E: Unable to locate package nodejs" >&2; exit 100; }; ${MAKE_NODE} ;; esac`;
  expect(installOn(needsLists)).toEqual(made);
});

test("where node cannot be installed the cause and the remedy are told, and nothing else is tried", () => {
  const { status, said } = installOn('echo "Hit:1"; echo "E: Could not connect to deb.test:80" >&2; exit 100');
  expect([status, said]).toEqual([
    1,
    expect.stringMatching(
      /^nodejs, by which the agent runs, cannot be installed on this host: Could not connect to deb\.test:80; on the host, run: apt-get update &&/,
    ),
  ]);
});

test("no second node is installed where an admin has one at another path", () => {
  const path = `${folder}/elsewhere`;
  spawnSync("mkdir", ["-p", path]);
  writeFileSync(`${path}/node`, "#!/bin/sh\n", { mode: 0o755 });
  expect(installOn(MAKE_NODE, path)).toEqual({
    ...{ status: 1, isThere: false },
    said: expect.stringContaining("/made-node is missing on this host (node on the PATH: /elsewhere/node)"),
  });
});

test("a sudo that cannot be used is refused before node is installed", () => {
  expect(installOn(MAKE_NODE, undefined, `${folder}/sudo-rs`)).toEqual({
    ...{ status: 1, isThere: false },
    said: expect.stringContaining("/sudo-rs on this host rejects regular expressions in sudoers"),
  });
});

test("sudo-rs beside the other visudo is refused, since that visudo does not check its rules", () => {
  expect(check("node", "sudo", "sudo-alone-rs")).toEqual([
    1,
    "/sudo-alone-rs on this host is sudo-rs 0.2.5 and cannot be checked by /sudo (Sudo version 1.9.13p3), and regular " +
      "expressions in sudoers are needed; install sudo 1.9.10 or newer, sudo-rs does not have them\n",
  ]);
});

test("a node below a home is refused: root would run what its person can replace", () => {
  spawnSync("sh", [
    "-c",
    `mkdir -p ${folder}/home/ana; cp ${folder}/node ${folder}/home/ana; ln -s home/ana/node ${folder}/linked`,
  ]);
  const lines = preflight({ node: `${folder}/linked`, sudo: "none", visudo: "none" }).join("\n");
  expect(lines).toContain("in /home/* | /root/*)");
  // Homes of this test lie where it may write.
  const script = `set -eu\n${lines.replace("in /home/*", `in ${folder}/home/*`)}`;
  const { status, stderr } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });
  expect([status, stderr.replaceAll(folder, "")]).toEqual([
    1,
    expect.stringMatching(
      /^\/linked on this host leads to \/home\/ana\/node, below somebody's home, and the agent must not/,
    ),
  ]);
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
