/** Tests the emulated `command` plugin, driven by the real engine against a real sshd. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSshd } from "./plugins/sshd.ts";
import type { Sshd } from "./plugins/sshd.ts";
import { openStack } from "./plugins/stack.ts";
import type { Done, FixtureStack } from "./plugins/stack.ts";

let sshd: Sshd;
let stack: FixtureStack;

beforeAll(async () => {
  sshd = await startSshd();
  stack = await openStack("plugin-command", { FIXTURE_CONNECTION: JSON.stringify(sshd.connection) });
});

afterAll(async () => {
  await stack.pulumi(["destroy", "--skip-preview"]);
  await stack.remove();
  await sshd.stop();
});

const up = (wish: object): Promise<Done> => stack.pulumi(["up", "--skip-preview", "--diff"], wish);
const trace = (): string => readFileSync(join(sshd.folder, "trace"), "utf8");

test("a command runs on creation, on a change and on deletion, and a run without a change does nothing", async () => {
  const traceFile = join(sshd.folder, "trace");
  const commands = (text: string): object => ({
    commands: [
      {
        name: "c",
        create: `echo create ${text} >>${traceFile}`,
        update: `echo update ${text} >>${traceFile}`,
        delete: `echo delete >>${traceFile}`,
      },
    ],
  });
  expect((await up(commands("one"))).output).toMatch(/2 created|1 created/);
  expect((await up(commands("one"))).output).not.toMatch(/updated|replaced/);
  expect((await up(commands("two"))).output).toMatch(/1 updated/);
  expect((await up({})).output).toMatch(/1 deleted/);
  expect(trace()).toBe("create one\nupdate two\ndelete\n");
});

test("a changed trigger replaces: the new command's create runs, then the old one's delete", async () => {
  const log = join(sshd.folder, "triggers");
  const commands = (trigger: string): object => ({
    commands: [
      {
        name: "t",
        triggers: [trigger],
        create: `echo create >>${log}`,
        update: `echo update >>${log}`,
        delete: `echo delete >>${log}`,
      },
    ],
  });
  await up(commands("a"));
  expect((await up(commands("b"))).output).toMatch(/1 replaced/);
  expect(readFileSync(log, "utf8")).toBe("create\ncreate\ndelete\n");
});

test("a secret on standard input reaches the command and stands nowhere else", async () => {
  const canary = "canary-5f1c-in-stdin";
  const file = join(sshd.folder, "received");
  const done = await up({
    commands: [{ name: "s", stdin: canary, create: `cat >${file}; ps -ef >${file}.ps; echo said` }],
  });
  expect(done.code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe(canary);
  expect(readFileSync(`${file}.ps`, "utf8")).not.toContain(canary);
  expect(done.output).not.toContain(canary);
  expect(await stack.state()).not.toContain(canary);
  expect(await sshd.log()).not.toContain(canary);
});

test("a command that fails is an error with its exit status and what it wrote, and is not in the state", async () => {
  const done = await up({ commands: [{ name: "f", create: "echo one; echo two >&2; exit 3" }] });
  expect(done.code).not.toBe(0);
  expect(done.output).toContain('Process exited with status 3: running "echo one; echo two >&2; exit 3":');
  expect(done.output).toMatch(/one\s+two|two\s+one/);
  expect(done.output).not.toContain("at Object.");
  expect(await stack.state()).not.toContain("remote:Command::f");
});

test("a host with another key than the named one gets nothing, at once", async () => {
  const file = join(sshd.folder, "never");
  const started = Date.now();
  const done = await up({
    connection: { hostKey: sshd.strangeHostKey },
    commands: [{ name: "h", create: `touch ${file}` }],
  });
  expect(done.code).not.toBe(0);
  expect(done.output).toMatch(/the host presents the key SHA256:\S+, and connection.hostKey is SHA256:/);
  expect(existsSync(file)).toBe(false);
  expect(Date.now() - started).toBeLessThan(30_000);
});

test("a host that does not answer is given up after the set number of attempts", async () => {
  const done = await up({ connection: { port: 9, dialErrorLimit: 2 }, commands: [{ name: "u", create: "true" }] });
  expect(done.code).not.toBe(0);
  expect(done.output).toContain("ssh root@127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9 (2 attempts)");
});

test("a preview runs nothing", async () => {
  const file = join(sshd.folder, "previewed");
  const done = await stack.pulumi(["preview"], { commands: [{ name: "p", create: `touch ${file}` }] });
  expect(done.code).toBe(0);
  expect(existsSync(file)).toBe(false);
});

test("a text is copied to the host, and again when it changes", async () => {
  const path = join(sshd.folder, "copied");
  await up({ copies: [{ name: "c", text: "first", path }] });
  expect(readFileSync(path, "utf8")).toBe("first");
  expect((await up({ copies: [{ name: "c", text: "second", path }] })).output).toMatch(/1 updated/);
  expect(readFileSync(path, "utf8")).toBe("second");
});

test("thirty commands at once all arrive, although sshd takes only ten new connections at a time", async () => {
  const commands = Array.from({ length: 30 }, (_, i) => ({
    name: `many-${i}`,
    create: `echo ${i} >${join(sshd.folder, `many-${i}`)}`,
  }));
  const done = await up({ commands });
  expect(done.output).toMatch(/30 created/);
  expect(commands.filter((_, i) => !existsSync(join(sshd.folder, `many-${i}`)))).toEqual([]);
});
