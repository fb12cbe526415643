import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { framedCommand } from "../../../clients/ssh/framed-command.ts";

const home = mkdtempSync(join(tmpdir(), "framed-command-"));
afterAll(() => rmSync(home, { recursive: true }));

/** Runs it as sshd does: by bash, which reads `.bashrc` when its standard input is a socket, and `BASH_ENV` otherwise. */
function throughBash(startUp: string, argv: readonly string[]) {
  const file = join(home, ".bashrc");
  writeFileSync(file, startUp);
  const framed = framedCommand(argv);
  const ran = spawnSync("bash", ["-c", framed.text], {
    env: { PATH: process.env.PATH, HOME: home, BASH_ENV: file },
    encoding: "utf8",
  });
  return { code: ran.status, stdout: framed.own(ran.stdout), stderr: framed.own(ran.stderr) };
}

const PRINT = ["/bin/sh", "-c", 'printf "%s|" "$@"; echo oops >&2; exit 3', "sh", "a b", "it's", "$HOME", ""];
const PRINTED = { code: 3, stdout: "a b|it's|$HOME||", stderr: "oops\n" };

test.each([
  ["prints nothing", ""],
  ["greets on both outputs", "echo hello; echo no newline -n >&2; printf half"],
  ["prints JSON", `echo '{"people":[]}'`],
  ["sets an exit trap that prints", "trap 'echo bye' EXIT"],
])("a start-up file that %s adds nothing to the command's outputs", (_what, startUp) => {
  expect(throughBash(startUp, PRINT)).toEqual(PRINTED);
});

test("a start-up file that ends the shell is told from a command that prints nothing", () => {
  expect(throughBash("exit 0", PRINT)).toMatchObject({ code: 0, stdout: undefined, stderr: undefined });
  expect(throughBash("echo hello", ["/bin/true"])).toEqual({ code: 0, stdout: "", stderr: "" });
});
