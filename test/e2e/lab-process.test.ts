/** The layer that starts and stops the lab's servers, tried with small programs in a lab of its own. Needs root. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { closeNetwork, type Instance, openInstance } from "../../lab/instance.ts";
import { allProcesses, environmentOf, isAlive, lookUp, signal } from "../../lab/process/identity.ts";
import { readRecord, writeRecord } from "../../lab/process/record.ts";
import { ServerFailed } from "../../lab/process/server-failed.ts";
import type { ServerSpec } from "../../lab/process/server-spec.ts";
import { startServer } from "../../lab/process/start.ts";
import { stopServer, stopServers } from "../../lab/process/stop.ts";

let lab: Instance;
beforeAll(async () => {
  lab = await openInstance("t-process");
});
afterEach(() => stopServers(lab));
afterAll(async () => {
  await closeNetwork(lab);
  await rm(lab.dir, { recursive: true });
});

const sleeper = (change: Partial<ServerSpec> = {}): ServerSpec => ({
  name: "sleeper",
  argv: ["sleep", "600"],
  ready: async () => true,
  withinMs: 2_000,
  ...change,
});
const pidOf = async (name: string): Promise<number> => (await readRecord(lab, name))?.pid ?? 0;
const shell = (script: string): ServerSpec =>
  sleeper({ name: "shell", argv: ["sh", "-c", script], ready: async () => "no answer" });
const failureOf = (spec: ServerSpec): Promise<unknown> => startServer(lab, spec).catch((error: unknown) => error);

test("a server that ends at once is said to have died, with its exit code and its last words", async () => {
  const failure = await failureOf(shell("echo cannot read the configuration >&2; exit 3"));
  expect(failure).toBeInstanceOf(ServerFailed);
  expect(failure).toMatchObject({ outcome: "died", tail: "cannot read the configuration" });
  expect(String(failure)).toContain("exit code 3");
  expect(await readRecord(lab, "shell")).toBeUndefined();
});

test("a program that does not exist is named", async () => {
  expect(String(await failureOf({ ...shell(""), argv: ["no-such-program"] }))).toContain("no-such-program");
});

test("a server that runs and does not answer is said to be late, with what was missing, and is ended", async () => {
  const started = Date.now();
  const failure = await failureOf({
    ...shell("echo waiting for a friend; echo $$ > pid; exec sleep 600"),
    withinMs: 600,
  });
  expect(failure).toMatchObject({ outcome: "late", tail: "waiting for a friend" });
  expect(String(failure)).toContain("no answer");
  expect(Date.now() - started).toBeLessThan(4_000);
  const pid = Number(await readFile(lab.path("shell", "pid"), "utf8"));
  expect(await lookUp(pid)).toBeUndefined();
});

test("starting a server that is ready changes nothing", async () => {
  expect(await startServer(lab, sleeper())).toBe("started");
  const pid = await pidOf("sleeper");
  expect(await startServer(lab, sleeper())).toBe("was running");
  expect(await pidOf("sleeper")).toBe(pid);
});

test("two starts at the same time make one server", async () => {
  const outcomes = await Promise.all([startServer(lab, sleeper()), startServer(lab, sleeper())]);
  expect(outcomes.sort()).toEqual(["started", "was running"]);
  expect(await marked("sleeper")).toEqual([await pidOf("sleeper")]);
});

test("a server that runs with other arguments is replaced", async () => {
  await startServer(lab, sleeper());
  const before = await pidOf("sleeper");
  expect(await startServer(lab, sleeper({ argv: ["sleep", "601"] }))).toBe("started");
  expect(await lookUp(before)).toBeUndefined();
});

test("a server that hangs is replaced", async () => {
  await startServer(lab, sleeper({ withinMs: 100 }));
  const before = await pidOf("sleeper");
  await sleep(200);
  const ready = async () => ((await pidOf("sleeper")) === before ? "it hangs" : (true as const));
  expect(await startServer(lab, sleeper({ withinMs: 100, ready }))).toBe("started");
  expect(await lookUp(before)).toBeUndefined();
});

test("a process that merely got the pid of a server that is gone is never signalled", async () => {
  const stranger = spawn("sleep", ["600"], { stdio: "ignore" });
  const facts = await lookUp(stranger.pid ?? 0);
  expect(facts).toBeDefined();
  await startServer(lab, sleeper());
  const record = await readRecord(lab, "sleeper");
  if (record === undefined || facts === undefined) throw new Error("nothing was started");
  await writeRecord(lab, { ...record, name: "gone", pid: facts.pid, startTicks: "1" });
  await stopServers(lab);
  expect(await isAlive(facts)).toBe(true);
  stranger.kill("SIGKILL");
});

test("a server whose starter was killed before it could be recorded is recognised and replaced", async () => {
  const starter = join(import.meta.dirname, "fixtures/start-and-hang.ts");
  const child = spawn(process.execPath, ["--import", "tsx", starter, lab.name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const orphan = await pidOf("sleeper");
  child.kill("SIGKILL");
  await once(child, "exit");
  await rm(lab.path("run", "sleeper.json"));
  expect((await lookUp(orphan))?.parent).not.toBe(child.pid);
  expect(await startServer(lab, sleeper())).toBe("started");
  expect(await marked("sleeper")).toEqual([await pidOf("sleeper")]);
  expect(await pidOf("sleeper")).not.toBe(orphan);
}, 20_000);

test("a killed starter leaves no lock behind", async () => {
  const starter = join(import.meta.dirname, "fixtures/start-and-hang.ts");
  const child = spawn(process.execPath, ["--import", "tsx", starter, lab.name], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await startServer(lab, sleeper())).toBe("was running");
}, 20_000);

test("servers are asked to end in reverse order, and one that does not listen is killed with its helpers", async () => {
  const note = lab.path("ended");
  await writeFile(note, "");
  const polite = (name: string) =>
    sleeper({
      name,
      argv: ["sh", "-c", `trap 'echo ${name} >> ${note}; exit' TERM; touch up; while :; do sleep 0.05; done`],
      ready: async () => ((await readFile(lab.path(name, "up")).catch(() => undefined)) ? true : "not up"),
    });
  await startServer(lab, polite("first"));
  await startServer(lab, polite("second"));
  const deaf = sleeper({
    name: "deaf",
    argv: ["sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"],
    stopWithinMs: 300,
  });
  await startServer(lab, deaf);
  await sleep(200);
  await stopServers(lab);
  expect(await readFile(note, "utf8")).toBe("second\nfirst\n");
  expect(await marked("deaf")).toEqual([]);
});

test("a server sees nothing of its starter's environment and runs in the lab's network", async () => {
  process.env.A_SECRET_OF_THE_CALLER = "canary";
  const spec = sleeper({
    name: "looker",
    argv: ["sh", "-c", "env > env; ip -4 -o addr > addr; touch up; exec sleep 600"],
  });
  await startServer(lab, {
    ...spec,
    ready: async () => ((await readFile(lab.path("looker", "up"))) ? true : "not up"),
  });
  expect(await readFile(lab.path("looker", "env"), "utf8")).not.toContain("canary");
  expect(await readFile(lab.path("looker", "addr"), "utf8")).toContain(`${lab.address.lab}/30`);
  await stopServer(lab, "looker");
});

test("ending what is already gone is no error", async () => {
  await startServer(lab, sleeper());
  const id = await lookUp(await pidOf("sleeper"));
  if (id === undefined) throw new Error("nothing was started");
  await signal(id, "SIGKILL");
  await sleep(50);
  await stopServer(lab, "sleeper");
  expect(await readRecord(lab, "sleeper")).toBeUndefined();
});

/** Session leaders that carry this lab's and this server's mark. */
async function marked(server: string): Promise<number[]> {
  const leaders = (await allProcesses()).filter((p) => !p.zombie && p.session === p.pid);
  const ours = await Promise.all(
    leaders.map(async ({ pid }) => {
      const env = await environmentOf(pid);
      return env.get("WORKSTATIONS_LAB") === lab.dir && env.get("WORKSTATIONS_LAB_SERVER") === server;
    }),
  );
  return leaders.filter((_, index) => ours[index]).map(({ pid }) => pid);
}
