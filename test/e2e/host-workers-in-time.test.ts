/** How long people, remotes and workers that hang keep a run, the others and a session waiting: measured, so on a machine that does nothing else. */
import { cpus, loadavg } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HOURLY_LIMITS, scaledForLoad } from "../../agent/root/people/worker-pool.ts";
import { account, clones, maps, type Somebody } from "./host/parts.ts";
import {
  first,
  INSTALL_ASSISTANT,
  launchersIn,
  people,
  startWorkersHost,
  WORKERS,
  type WorkersHost,
  WROTE_LAUNCHERS,
} from "./host/workers.ts";

let host: WorkersHost;
beforeAll(async () => {
  host = await startWorkersHost("intime", 9);
});
afterAll(() => host.vm.stop());

/** How much longer than on a quiet machine a run now waits for who hangs: it gives everybody more time on a busy one. */
const busyMs = () => {
  const { minDeadlineMs, minAbortDelayMs } = scaledForLoad(HOURLY_LIMITS, loadavg()[0] ?? 0, cpus().length);
  return minDeadlineMs - HOURLY_LIMITS.minDeadlineMs + minAbortDelayMs - HOURLY_LIMITS.minAbortDelayMs;
};
const timed = async () => {
  await host.removeLaunchers();
  const longerMs = busyMs();
  const started = performance.now();
  const said = await host.workstation("reconcile");
  const ms = performance.now() - started;
  return { ms, quietMs: ms - Math.max(longerMs, busyMs()), said, wrote: launchersIn(said.out) };
};
const failedOf = ({ err }: { readonly err: readonly string[] }) => [
  ...new Set(err.flatMap((line) => /^failed: ([^:]+: [^:]+)/.exec(line)?.[1] ?? [])),
];

/** What one of ten does. A remote that does not answer is a warning, the others may be a failure. */
const HOSTILE: readonly (readonly [string, string])[] = [
  ["starts processes without end", "while :; do sleep 9875 & done"],
  ["says a GiB", "head -c 1000000000 /dev/zero | tr '\\0' x >&2; head -c 1000000000 /dev/zero"],
  ["has a remote that never answers", "sleep 9873"],
];

test.each(HOSTILE)(
  "one of ten who %s keeps none of the nine waiting, and the run takes twice its time at most",
  async (what, script) => {
    const calm = await timed();
    expect([calm.said.code, calm.wrote]).toEqual([0, WROTE_LAUNCHERS]);
    await host.inTheWorker(script);
    const { quietMs, said, wrote } = await timed();
    const left = await host.sh(
      `systemctl stop workstation-finish; for i in $(seq 30); do [ $(${WORKERS}) = 0 ] && break; sleep 0.1; done; ${WORKERS}; pgrep -c -f '[s]leep 987'; true`,
    );
    await host.harmless();
    await host.sh("rm -rf /var/lib/workstation/unfinished");
    expect(wrote).toEqual(WROTE_LAUNCHERS);
    expect([said.code, failedOf(said)]).toEqual(
      said.code === 0 || what.includes("remote") ? [0, []] : [1, ["w0: clones"]],
    );
    expect(said.err.every((line) => line.includes("w0"))).toBe(true);
    expect(left).toBe("0\n0");
    expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
    expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
  },
);

test("one of ten who stops their worker is named, and keeps nobody waiting", async () => {
  const calm = await timed();
  await host.sh(
    `systemd-run --quiet --unit=stopper --uid=${first.uid} sh -c 'while :; do pkill -STOP -u ${first.uid} -x node; sleep 0.1; done'; rm /home/w0/start-claude.sh`,
  );
  const { quietMs, said, wrote } = await timed();
  const left = await host.sh(`systemctl stop stopper; ${WORKERS}; pgrep -c -u w0 -x node; true`);
  expect([said.code, failedOf(said), wrote, left]).toEqual([1, ["w0: clones"], WROTE_LAUNCHERS, "0\n0"]);
  expect(said.err.join("\n")).toContain(
    "was still running when all others had ended, did not stop when it was told to, and was killed",
  );
  expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
  await host.converge();
});

test("one of ten whose home holds a pipe where git's configuration belongs is named, and keeps nobody waiting", async () => {
  const calm = await timed();
  await host.sh("rm ~/.gitconfig; mkfifo ~/.gitconfig", { as: first.osUser });
  const { quietMs, said, wrote } = await timed();
  await host.sh("rm ~/.gitconfig", { as: first.osUser });
  expect([said.code, failedOf(said), wrote]).toEqual([1, ["w0: clones"], WROTE_LAUNCHERS]);
  expect(quietMs).toBeLessThan(2 * calm.ms + 2000);
  await host.converge();
});

test("a first clone that is slow is not lost: the delivery ends in its time and the clone arrives in the background", async () => {
  const late: Somebody = { osUser: "w9x", uid: 7699, infra: { origin: "http://127.0.0.1:8080/late/infra" } };
  const started = performance.now();
  await host.apply(maps([...people, late]));
  await host.apply(account(late));
  expect((await host.apply(clones(late))).err.join("\n")).toContain("did not answer in time; it is retried");
  const settled = await host.workstation("settle");
  // On a busy machine everybody is waited for longer, and then it may have arrived by now.
  const waits = await host.sh("ls /var/lib/workstation/unfinished 2>/dev/null; true");
  expect([settled.code, settled.err.join("\n").includes("still retried in the background for w9x")]).toEqual([
    0,
    waits === "w9x.json",
  ]);
  expect(performance.now() - started).toBeLessThan(60_000);
  await host.sh(
    "for i in $(seq 100); do [ -e /var/lib/workstation/unfinished/w9x.json ] || exit 0; sleep 0.5; done; exit 1",
  );
  expect(await host.sh("git -C ~/code config branch.master.remote", { as: "w9x" })).toBe("forgejo");
});

test("a remote that hangs delays the session by 15 seconds at most, and the clone is as it was", async () => {
  await host.sh(`${INSTALL_ASSISTANT}; git -C ~/code remote set-url forgejo http://127.0.0.1:8080/hang/infra`, {
    as: "w1",
  });
  const started = performance.now();
  await host.sh(
    "SHELL=/bin/sh timeout 60 sh ~/start-claude.sh >/dev/null 2>&1 & for i in $(seq 300); do [ -s ~/started ] && break; sleep 0.1; done; pkill -u w1 -x sleep; test -s ~/started",
    { as: "w1" },
  );
  expect(performance.now() - started).toBeLessThan(20_000);
  expect(await host.sh("git -C ~/code status --porcelain", { as: "w1" })).toBe("");
});
