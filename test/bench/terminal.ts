/**
 * Measures terminals in the browser: `npx tsx test/bench/terminal.ts` opens 100 of them on a DevVM, 25 for each of four
 * people, and prints how long a key stroke takes to come back through the whole chain, beside a bare pseudo terminal and
 * tmux alone on the same host, and what memory a terminal takes. The goal is 5 ms in the middle.
 */
import { once } from "node:events";
import { WebSocket } from "ws";
import { startTestHost } from "../e2e/host/host.ts";
import { account, base, ingressSecret, maps, portsOf, type Somebody, units } from "../e2e/host/parts.ts";

const PEOPLE = Array.from(
  { length: 4 },
  (_, at): Somebody => ({ osUser: `t${at}`, uid: 22_000 + at, layout: "untouched" }),
);
const EACH = 25;
const KEYS = 300;
const PORT = 8901;
const ORIGIN = "https://lobby.example";
const SECRET = ingressSecret("now");

const host = await startTestHost("termbench", 9);
const out = (line: string) => process.stdout.write(`${line}\n`);
const listen = { address: host.vm.address, port: PORT };
const dispatch = PEOPLE.map((who) => [`${who.osUser}@x`, { os_user: who.osUser, port: portsOf(who).t3 }] as const);
const table = { path: "/etc/t3-serve/dispatch.json", text: `${JSON.stringify(Object.fromEntries(dispatch))}\n` };
await host.apply(base({ lobby: { listen, origin: ORIGIN }, ingressSecret: { header: "X-Ingress-Secret" } }));
await host.apply(SECRET);
await host.apply(maps(PEOPLE, { files: [...maps(PEOPLE).files.slice(0, 2), table] }));
for (const who of PEOPLE) for (const part of [account, units]) await host.apply(part(who));
for (const { osUser } of PEOPLE)
  await host.sh("printf 'set -g status off\\n' > ~/.tmux.conf; tmux -u new-session -d -s bench cat", { as: osUser });

async function open({ osUser }: Somebody): Promise<WebSocket> {
  const headers = {
    "X-Ingress-Secret": SECRET.accepted[0] ?? "",
    "X-authentik-username": `${osUser}@x`,
    Origin: ORIGIN,
  };
  const path = "/terminal/socket?session=bench&cols=120&rows=40";
  const socket = new WebSocket(`ws://${host.vm.address}:${PORT}${path}`, { headers });
  await once(socket, "message");
  return socket;
}

/** Waits for binary messages alone: the service's reports that it is there are text. */
const echo = (socket: WebSocket) =>
  new Promise<void>((resolve) => {
    const heard = (_: Buffer, isBinary: boolean) => {
      if (!isBinary) return;
      socket.off("message", heard);
      resolve();
    };
    socket.on("message", heard);
  });

async function keyStrokes(socket: WebSocket): Promise<string> {
  const took: number[] = [];
  for (let key = 0; key < KEYS; key += 1) {
    const heard = echo(socket);
    const startedMs = performance.now();
    socket.send(Buffer.from("x"));
    await heard;
    took.push(performance.now() - startedMs);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return inTheMiddle(took);
}

const inTheMiddle = (took: readonly number[]): string => {
  const sorted = [...took].sort((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2).padStart(7);
  return `${at(0.5)}  ${at(0.95)}  ${at(0.99)}`;
};

/** The same key strokes on the host: into a pseudo terminal, or into a tmux client in one. */
const LOCAL = (command: string) => `
const child = require("node:child_process").spawn("/usr/bin/script", ["-qfc", ${JSON.stringify(command)}, "/dev/null"], { stdio: "pipe", env: { ...process.env, TERM: "xterm-256color", LANG: "C.UTF-8" } });
const next = () => new Promise((resolve) => child.stdout.once("data", resolve));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  child.stdout.resume();
  await pause(1500);
  const took = [];
  for (let key = 0; key < ${KEYS}; key += 1) {
    const heard = next();
    const startedMs = performance.now();
    child.stdin.write("x");
    await heard;
    took.push(performance.now() - startedMs);
    await pause(10);
  }
  console.log(JSON.stringify(took));
  child.kill("SIGKILL");
  process.exit();
})();`;
const local = async (command: string) =>
  inTheMiddle(JSON.parse(await host.sh("node -", { as: "t0", input: LOCAL(command), timeoutMs: 120_000 })) as number[]);

out("a key stroke and back, in ms         p50      p95      p99");
out(`a bare pseudo terminal          ${await local("cat")}`);
out(`tmux in one                     ${await local("tmux -u attach-session -t bench")}`);
const [first] = PEOPLE;
if (first === undefined) throw new Error("nobody to measure");
const one = await open(first);
out(`the whole chain, one open       ${await keyStrokes(one)}`);
const others: WebSocket[] = [];
for (const who of PEOPLE) for (let more = who === first ? 1 : 0; more < EACH; more += 1) others.push(await open(who));
// The session is shared, so a key stroke is drawn in all of its owner's terminals.
out(`the whole chain, ${others.length + 1} open       ${await keyStrokes(one)}`);
const pss = (pattern: string) =>
  `for p in $(pgrep -f '${pattern}'); do awk '/^Pss:/ {print $2}' /proc/$p/smaps_rollup 2>/dev/null; done | awk '{n += 1; s += $1} END {printf "%d %.1f\\n", n, s / 1024}'`;
for (const [what, pattern] of [
  ["script and tmux client", "attach-session -E"],
  ["services of people", "workstation/terminal.cjs"],
  ["the portal", "workstation/lobby.cjs"],
] as const) {
  const [count = "0", mib = "0"] = (await host.sh(pss(pattern))).split(" ");
  out(`memory: ${what.padEnd(24)} ${mib.padStart(7)} MiB in ${count} processes`);
}
for (const socket of [one, ...others]) socket.terminate();
await host.vm.stop();
