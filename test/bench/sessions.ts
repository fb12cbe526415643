/**
 * Measures the cost of keeping sessions: `npx tsx test/bench/sessions.ts` runs a save and a restore of 20 people with 5
 * sessions each on a DevVM, and prints elapsed time and processor time of the whole machine. A save is to take less
 * than 2 s, a restore less than 10 s.
 */
import { startTestHost } from "../e2e/host/host.ts";
import type { Somebody } from "../e2e/host/parts.ts";
import { populate } from "./populate.ts";

/** What is paid for starting that many processes of node, to compare. */
const STARTS = "bash -c 'for i in $(seq 20); do node -e 0; done'";

const people = Array.from(
  { length: 20 },
  (_, at): Somebody => ({ osUser: `s${at}`, uid: 21_000 + at, layout: "untouched" }),
);

/** Five sessions each, in different directories, one with an assistant that has told its conversation. */
const MAKE = `for who in $(ls /home); do install -o $who -g $who /dev/null /home/$who/.zshrc; runuser -u $who -- sh -c 'cd; mkdir -p d1 d2 d3 d4
  tmux -u new-session -d -s one -c ~/d1; tmux -u new-session -d -s "two words" -c ~/d2; tmux -u new-session -d -s three -c ~/d3
  tmux -u new-session -d -s four -c ~/d4; tmux -u new-session -d -s talk -c ~ "exec claude --session-id $(cat /proc/sys/kernel/random/uuid)"'; done; sleep 5`;
const KILL =
  "pkill -9 tmux; pkill -9 -x claude; pkill -9 zsh; while pgrep tmux >/dev/null; do sleep 0.2; done; sleep 3";

/** Prints wall ms, processor ms of the whole machine while it ran, and the exit code. */
const MEASURE = `cpu() { sed -n 's/^usage_usec //p' /sys/fs/cgroup/unified/cpu.stat; }
a=$(cpu); s=$(date +%s%N); "$@" > /run/bench.log 2>&1; code=$?; e=$(date +%s%N); b=$(cpu)
echo "$(( (e - s) / 1000000 )) $(( (b - a) / 1000 )) $code"`;

const host = await startTestHost("sessbench", 8);
await host.sh("cat > /srv/measure.sh", { input: MEASURE });
await populate(host, people);
await host.sh(MAKE, { timeoutMs: 300_000 });
const out = (line: string) => process.stdout.write(`${line}\n`);
out("20 people, 5 sessions each      wall ms   cpu ms  ended with");
for (const [what, before, command] of [
  ["a save that writes it all", "true", "tmux-persist save"],
  ["a save that finds the same", "sleep 1", "tmux-persist save"],
  ["a restore of everything", KILL, "tmux-persist restore"],
  ["a restore of nothing", "sleep 5", "tmux-persist restore"],
  ["20 starts of node, to compare", "true", STARTS],
] as const) {
  await host.sh(before, { timeoutMs: 120_000 });
  const said = await host.sh(`bash /srv/measure.sh ${command}`, { timeoutMs: 600_000 });
  const [wallMs = "", cpuMs = "", code = ""] = said.split(" ");
  out(`${what.padEnd(30)} ${wallMs.padStart(8)} ${cpuMs.padStart(8)}  ${code}`);
}
await host.vm.stop();
