/**
 * Measures the cost of a converged host: `npx tsx test/bench/host.ts 1 20 100` runs `reconcile` and `reconcile --check`
 * on a DevVM with so many people. It prints elapsed time and processor time of the whole machine per person, a fetch
 * from a local remote included. A plain shell script that looks at the same things one after the other is measured in
 * the same minute, to compare.
 */
import { startTestHost } from "../e2e/host/host.ts";
import { populate } from "./populate.ts";

const counts = process.argv
  .slice(2)
  .map(Number)
  .filter((n) => n > 0);
/** Git's own small server, so that the remote's side costs little; the shell script fetches from the same. */
const LOCAL = { origin: "git://127.0.0.1/infra", forgejo: "git://127.0.0.1/infra-push" };
const DAEMON =
  "systemd-run --quiet --unit=gitd -p User=nobody git daemon --base-path=/srv/git --export-all --listen=127.0.0.1";

/** Runs a command on the host; prints wall ms, processor ms of the whole machine, and the root process's peak in KiB. */
const MEASURE = `cpu() { sed -n 's/^usage_usec //p' /sys/fs/cgroup/unified/cpu.stat; }
echo 0 > /run/peak; (peak=0; while :; do
  for p in $(pgrep -f agent.mjs); do m=$(sed -n 's/^VmHWM:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$p/status 2>/dev/null); [ "\${m:-0}" -gt $peak ] && peak=$m && echo $peak > /run/peak; done; sleep 0.5
done) & sampler=$!
a=$(cpu); s=$(date +%s%N); "$@" > /run/bench.log 2>&1; e=$(date +%s%N); b=$(cpu); kill $sampler
echo "$(( (e - s) / 1000000 )) $(( (b - a) / 1000 )) $(cat /run/peak)"`;

/** The same looks and the same fetch, as a shell script has them. */
const SHELL = `#!/bin/bash
for h in /home/*; do u=\${h##*/}
  getent passwd $u >/dev/null; id -nG $u >/dev/null; passwd -S $u >/dev/null; stat -c %a $h >/dev/null
  for s in t3-serve@$u.service browser-serve@$u.service credential-sync@$u.timer; do systemctl is-enabled -q $s; systemctl is-active -q $s; done
  grep -q ^T3_PORT= /etc/t3-serve/$u.env; cmp -s /etc/skel/start-claude.sh $h/start-claude.sh
  runuser -u $u -- git -C $h/code remote get-url forgejo >/dev/null
  runuser -u $u -- env GIT_TERMINAL_PROMPT=0 git -C $h/code fetch --all --prune --quiet
  runuser -u $u -- git -C $h/code status --porcelain >/dev/null
  runuser -u $u -- git -C $h/code rev-parse HEAD forgejo/master >/dev/null
  runuser -u $u -- git config --global user.name >/dev/null
done`;

const host = await startTestHost("bench", 7);
await host.sh(DAEMON);
await host.sh("cat > /srv/measure.sh", { input: MEASURE });
await host.sh("cat > /srv/shell.sh; chmod 755 /srv/shell.sh", { input: SHELL });
const out = (line: string) => process.stdout.write(`${line}\n`);
out("people  what                wall ms/person  cpu ms/person  root peak MiB");
for (const count of counts) {
  await populate(
    host,
    Array.from({ length: count }, (_, at) => ({ osUser: `b${at}`, uid: 20_000 + at, infra: LOCAL })),
  );
  for (const [what, command] of [
    ["reconcile", "workstation reconcile"],
    ["reconcile --check", "workstation reconcile --check"],
    ["a shell script", "/srv/shell.sh"],
  ] as const) {
    const said = await host.sh(`bash /srv/measure.sh ${command}`, { timeoutMs: 600_000 });
    const [wallMs = 0, cpuMs = 0, peakKib = 0] = said.split(" ").map(Number);
    const cells = [
      String(count).padStart(6),
      what.padEnd(18),
      (wallMs / count).toFixed(0).padStart(15),
      (cpuMs / count).toFixed(0).padStart(14),
      (peakKib / 1024).toFixed(0).padStart(14),
    ];
    out(cells.join("  "));
  }
}
await host.vm.stop();
