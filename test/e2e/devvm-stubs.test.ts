/**
 * Tests that the emulated assistant leaves behind what the real one is known to leave, and that the emulated code
 * server answers on loopback with its own user. Needs root.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DevVm, startDevVm } from "../../lab/devvm/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";

const ID = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01";
const OTHER = "6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a02";

let vm: DevVm;
beforeAll(async () => {
  vm = await startDevVm(await openInstance(instanceName({ WS_LAB: "test", ...process.env })), "stubs", 11);
  await vm.ssh("useradd --create-home ana_b && install -d -o ana_b '/home/ana_b/a.b c_d'");
});
afterAll(() => vm.remove());

const as = (script: string, input = "/exit\n", accept = [0]) => vm.ssh(script, { as: "ana_b", input, accept });
const claude = (argv: string, input?: string, accept?: number[]) => as(`cd 'a.b c_d'; claude ${argv}`, input, accept);
const transcripts = async (): Promise<string[]> =>
  (await as("find .claude -name '*.jsonl' -printf '%P\\n' | sort")).stdout.trim().split("\n");

test("a conversation is kept below the encoded directory, with the directory itself in every line", async () => {
  await claude(`--session-id ${ID} --name work`, "hello\n/exit\n");
  expect(await transcripts()).toEqual([`projects/-home-ana-b-a-b-c-d/${ID}.jsonl`]);
  const { stdout } = await as(`cat .claude/projects/*/${ID}.jsonl`);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { cwd: string; sessionId: string });
  expect(lines.map(({ cwd, sessionId }) => `${sessionId} ${cwd}`)).toEqual(
    Array.from({ length: 3 }, () => `${ID} /home/ana_b/a.b c_d`),
  );
});

test("it goes on with a conversation that there is, in its directory alone", async () => {
  expect((await claude(`--resume ${ID}`)).stdout).toContain(`session ${ID} (resume)`);
  expect((await as(`claude --resume ${ID}`, "", [1])).stderr).toContain("no conversation found");
  expect((await claude(`--resume ${OTHER}`, "", [1])).stderr).toContain("no conversation found");
});

test("it refuses a new id together with one to resume, one that is taken, and one that is none", async () => {
  expect((await claude(`--session-id ${OTHER} --resume ${ID}`, "", [1])).stderr).toContain("--fork-session");
  expect((await claude(`--session-id ${ID}`, "", [1])).stderr).toContain("already in use");
  expect((await claude("--session-id dev", "", [1])).stderr).toContain("not a valid UUID");
});

test("clearing begins another conversation, which the process's arguments do not tell", async () => {
  const script = `cd 'a.b c_d'; (sleep 1; echo /clear; sleep 1; tr '\\0' ' ' < /proc/$(pgrep -u ana_b -x claude)/cmdline >&2; echo /exit) | claude --session-id ${OTHER}`;
  const { stdout, stderr } = await as(script);
  const cleared = /session (\S+) \(clear\)/.exec(stdout)?.[1] ?? "none";
  expect(cleared).not.toBe(OTHER);
  expect(await transcripts()).toContain(`projects/-home-ana-b-a-b-c-d/${cleared}.jsonl`);
  expect(stderr.trim()).toBe("claude");
});

test("the session-start hooks of the machine's settings are run, and told which conversation begins", async () => {
  const hook = { hooks: { SessionStart: [{ hooks: [{ type: "command", command: "cat >> ~/started" }] }] } };
  await vm.ssh("install -d /etc/claude-code; cat > /etc/claude-code/managed-settings.json", {
    input: JSON.stringify(hook),
  });
  await claude(`--resume ${ID}`);
  expect(JSON.parse((await as("cat started")).stdout)).toMatchObject({
    session_id: ID,
    transcript_path: `/home/ana_b/.claude/projects/-home-ana-b-a-b-c-d/${ID}.jsonl`,
    cwd: "/home/ana_b/a.b c_d",
    source: "resume",
  });
});

test("the code server's stand-in tells who it runs as, on loopback alone, and streams", async () => {
  await vm.ssh("systemd-run --unit=stub -p User=ana_b --setenv=T3_PORT=4998 /usr/local/bin/t3-stub");
  const ask = "curl --silent --retry 5 --retry-connrefused --retry-delay 1 http://127.0.0.1:4998";
  expect(JSON.parse((await vm.ssh(`${ask}/where?`)).stdout)).toMatchObject({
    user: "ana_b",
    port: 4998,
    url: "/where?",
  });
  const streamed = await vm.ssh("curl --silent --max-time 1.5 http://127.0.0.1:4998/stream", { accept: [28] });
  expect(
    streamed.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { line: number }).line),
  ).toEqual([0, 1]);
  expect((await vm.ssh(`curl --silent http://${vm.address}:4998/`, { accept: [7] })).code).toBe(7);
});
