/** Tests that no argument of a command is printed, be it git, the shell or ssh that quotes it. */

import { expect, test } from "vitest";
import { describeGitFailure } from "../../../agent/lib/git.ts";
import { programOf, withoutCommands } from "../../../agent/lib/redact-commands.ts";

const failed = (stderr: string) => ({ argv: [], code: 128, stdout: "", stderr, timedOut: false, overflowed: false });

test.each([
  ["vault-filter --key s3cret", "vault-filter"],
  ["  /opt/tools/f\t-k s3cret", "f"],
  ["~/bin/f", "f"],
  ["TOKEN=s3cret OTHER=s3cret f --x", "f"],
  ["TOKEN='a s3cret' f", undefined],
  ["'/opt/my tools/f' --k=s3cret", undefined],
  ["$HOME/f", undefined],
  ["f;g s3cret", undefined],
  ["TOKEN=s3cret", undefined],
  ["/opt/f/ s3cret", undefined],
  ["", undefined],
])("the program of %j is %j", (command, program) => {
  expect(programOf(command)).toBe(program);
});

test.each([
  ["error: external filter '/opt/crypt --token s3cret' failed 1", "error: external filter 'crypt …' failed 1"],
  ["error: external filter 'cat' failed", "error: external filter 'cat' failed"],
  ["error: external filter 'TOKEN=s3cret f' failed", "error: external filter 'f …' failed"],
  ["error: external filter ''/opt/my tools/f' --k=s3cret' failed 1", "error: external filter '…' failed 1"],
  ["error: external filter 'f --key=s3cret &&", "error: external filter 'f …"],
  ["error: external filter 'f --k\rs3cret' failed", "error: external filter 'f …' failed"],
  ["error: read from external filter 'f -k s3cret' failed", "error: read from external filter 'f …' failed"],
  [
    "error: cannot feed the input to external filter 'f s3cret'",
    "error: cannot feed the input to external filter 'f …'",
  ],
  ["error: cannot fork to run external filter 'f -k s3cret'", "error: cannot fork to run external filter 'f …'"],
  [
    "error: external filter 'f s3cret' is not available anymore although not all paths have been filtered",
    "error: external filter 'f …' is not available anymore although not all paths have been filtered",
  ],
  ["error: cannot fork to run subprocess 'f s3cret'", "error: cannot fork to run subprocess 'f …'"],
  ["error: initialization for subprocess 'f s3cret' failed", "error: initialization for subprocess 'f …' failed"],
  ["error: subprocess 'f s3cret' requested unsupported capability 's3cret'", "error: subprocess 'f …'"],
  ["fatal: credential helper '/f --k s3cret' told us to quit", "fatal: credential helper 'f …' told us to quit"],
  ["error: cannot fork() for f --k=s3cret:x smudge: Try again", "error: cannot fork() for f …: Try again"],
  ["error: cannot run p --pass s3cret: No such file or directory", "error: cannot run p …: No such file or directory"],
  ["error: cannot exec '/opt/f -k s3cret': Permission denied", "error: cannot exec 'f …': Permission denied"],
  ["fatal: cannot start proxy p --pass s3cret", "fatal: cannot start proxy p …"],
  ["f --key s3cret smudge: 1: f: not found", "f: not found"],
  ["f --key s3cret: 12: smudge: 1: /opt/my tools/f: Permission denied", "/opt/my tools/f: Permission denied"],
  ["f --key s3cret): 2: Syntax error: word unexpected", "Syntax error: word unexpected"],
  ["remote: hook: 1: f: not found", "remote: hook: 1: f: not found"],
  ["KnownHostsCommand-git /opt/k --t s3cret failed, status 1", "KnownHostsCommand-git failed, status 1"],
  ["warning: invalid credential line: s3cret", "warning: invalid credential line"],
  ["command '/opt/k --t s3cret' exited abnormally", "command 'k …' exited abnormally"],
])("without any configuration, no argument is left in %j", (line, told) => {
  expect(describeGitFailure(failed(`${line}\n`))).toBe(told);
  // Whatever is written before such a failure counts as its cause.
  const broken = "fatal: the remote end hung up unexpectedly";
  expect(describeGitFailure(failed(`${line}\n${broken}\n`))).toBe(`${told}; ${broken}`);
});

const config = (...entries: readonly (readonly [string, string])[]) =>
  entries.map(([key, value]) => `${key}\n${value}\0`).join("");

test.each([
  [
    "before the shell's words",
    "f --key s3cret smudge",
    "f --key s3cret smudge: 1: f: not found",
    "f …: 1: f: not found",
  ],
  ["with quotes", "'/opt/my tools/f' s3cret", "'/opt/my tools/f' s3cret: gone", "vault: gone"],
  [
    "of several lines",
    "f --key=s3cret &&\ng s3cret",
    "filter 'f --key=s3cret &&\ng s3cret' failed",
    "filter 'f …' failed",
  ],
  [
    "cut by git",
    "f --key=s3cret && \\\ng --k s3cret \\\nx",
    "filter 'f --key=s3cret && \\\ng --k s3cret \\",
    "filter 'f …\n…",
  ],
  ["with a path", "f --key s3cret %f -k s3cret", "f --key s3cret 'new' -k s3cret: gone", "f … 'new' …: gone"],
  ["quoted for a shell", "f 's3cret'", "start 'f '\\''s3cret'\\'''", "start 'f …'"],
  ["with a control character", "f \u0007s3cret", "filter 'f ?s3cret'", "filter 'f …'"],
])("no argument is left of a configured command %s", (_, command, stderr, told) => {
  expect(withoutCommands(stderr, config(["filter.vault.smudge", command]))).toBe(told);
});

test.each([
  ...["filter.a.process", "filter.a b.smudge", "filter.a.clean", "credential.helper", "credential.https://x.y.helper"],
  ...[
    "core.gitproxy",
    "core.alternaterefscommand",
    "remote.o.uploadpack",
    "uploadpack.packobjectshook",
    "gpg.ssh.program",
  ],
])("the command of the setting %j is known", (key) => {
  expect(withoutCommands("p s3cret", config([key, "p s3cret"]))).toBe("p …");
});

test("of two commands the longer one is looked for first, and no other setting's value is one", () => {
  const both = config(["credential.helper", "!p s3cret"], ["filter.f.clean", "p s3cret s3cret"]);
  expect(withoutCommands("p s3cret s3cret, p s3cret get", both)).toBe("p …, p … get");
  const others = config(["user.name", "Ana Lee"], ["filter.f.clean", "cat"], ["filter.f.required", "true"]);
  expect(withoutCommands("Ana Lee: cannot cat", others)).toBe("Ana Lee: cannot cat");
});

test("any number of commands is looked for in the largest standard error in bounded time", () => {
  const begun = process.cpuUsage();
  const many = Array.from({ length: 20_000 }, (_, at) => [`filter.f${at}.clean`, `f s3cret ${at}`] as const);
  withoutCommands("f s3cret ".repeat(450_000), config(...many, ["filter.g.clean", "g ".repeat(500_000)]));
  const line = `error: external filter '${": 1: ".repeat(400_000)}`;
  const told = describeGitFailure(failed(`${line}: not found\n${line}\nfatal: protocol error: x`));
  expect(told).not.toContain("1: 1");
  expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(10);
});
