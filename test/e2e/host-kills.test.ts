/** Killed before every mutating step, and in the next run after it: the run after that finishes, and the one after that changes nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Point, ROOT_POINTS, WORKER_POINTS } from "../../agent/lib/failpoints.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, credentials, maps, portsOf, REMOTE, type Somebody, units } from "./host/parts.ts";

const one: Somebody = {
  osUser: "one",
  uid: 7501,
  layout: "workspace",
  repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
  groups: ["docker"],
};
const two: Somebody = { osUser: "two", uid: 7502, layout: "untouched" };
const gone: Somebody = { ...one, state: "left" };

let host: TestHost;
beforeAll(async () => {
  host = await startTestHost("kills", 4);
  await host.sh(LOCAL_PACKAGE);
  await host.deliver([one, two]);
  await host.apply(base({ packages: ["git", "small-thing"] }));
  for (const [folder, person] of [
    ["here", one],
    ["left", gone],
    ["renamed", { ...one, formerNames: ["uno"] }],
  ] as const) {
    const parts = {
      maps: maps([person, two]),
      "account.one": account(person),
      "clones.one": clones(person),
      "units.one": units(person),
    };
    for (const [name, part] of Object.entries(parts))
      await host.sh(`mkdir -p /srv/${folder}; cat > /srv/${folder}/${name}.json`, { input: JSON.stringify(part) });
  }
  const vault = { address: "https://vault.example:8200", token: "hvs.a-token-of-the-test" };
  const waiting = { ...credentials(one), token: "a-token-of-the-test", vault };
  await host.sh("cat > /srv/credentials.one.json", { input: JSON.stringify(waiting) });
  await host.sh("rm -f /var/lib/workstation/failures/*; cat > /srv/cycle.sh", { input: CYCLE });
  expect((await host.workstation("reconcile")).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
});
afterAll(() => host.vm.stop());

/** A package that can be had without any network. */
const LOCAL_PACKAGE = `mkdir -p /srv/repo/p/DEBIAN; cd /srv/repo
printf 'Package: small-thing\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: nothing\\n' > p/DEBIAN/control
dpkg-deb -b p small-thing.deb >/dev/null
{ cat p/DEBIAN/control; printf 'Filename: ./small-thing.deb\\nSize: %s\\nSHA256: %s\\n\\n' $(stat -c %s small-thing.deb) $(sha256sum small-thing.deb | cut -d' ' -f1); } > Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list.d/local.list`;

/** What a busy machine made late is tried again in the background: that retry has ended after this. */
const RETRIED =
  "if ls /var/lib/workstation/unfinished/*.json >/dev/null 2>&1; then systemctl start workstation-finish; fi";
/** Four runs: one that dies before the step, one that comes that far and dies after it, one that finishes, and one that finds nothing to do; without the second where only `before` is given. */
const CYCLE = `cat > /run/setup.sh; sh /run/setup.sh >/run/setup.log 2>&1
point=$1; shift
for moment; do
  WORKSTATION_FAILPOINT=$point:$moment workstation reconcile >/run/$moment.log 2>&1; echo "killed $?"
done
workstation reconcile >/run/last.log 2>&1; echo "finished $?"
${RETRIED}
workstation reconcile 2>&1`;

/** Nobody of that name was ever here. */
const FORGET = `systemctl disable --now t3-serve@one browser-serve@one credential-sync@one.timer; userdel -rf one; groupdel one
rm -rf /home/one /etc/t3-serve/one.env /etc/workstation/panes/one /etc/systemd/system/*@one.service.d /etc/systemd/system/user-7501.slice.d /var/lib/workstation/loaded/envelope.one
echo '{"version":1,"people":{"two":{"uid":7502,"adopted":false,"t3":${portsOf(two).t3},"browser":${portsOf(two).browser}}}}' > /var/lib/workstation/ledger.json; systemctl daemon-reload`;
const HERE = `cp /srv/here/* /var/lib/workstation/parts/; workstation reconcile; ${RETRIED}`;
/** All that a cut takes away, there to be taken. */
const LEDGER = "/var/lib/workstation/ledger.json";
const FULL = `${HERE}; sed -i 's/"uid":7501,"adopted":false/"uid":7501,"adopted":true/' ${LEDGER}; echo '0 5 * * * /bin/true' | crontab -u one -; su -s /bin/sh one -c 'echo true | at now + 1 day'; gpasswd -a one docker; systemd-run --uid=one sleep 1000; usermod -p x one`;
/** Parts alone, so that the run that is to die brings them about. */
const HERE_AGAIN = "cp /srv/here/* /var/lib/workstation/parts/";
const PARKED = `${HERE}; sed -i 's/"state":"present"/"state":"parked"/' /var/lib/workstation/parts/units.one.json`;
const LEFT = "cp /srv/left/* /var/lib/workstation/parts/";
const CUT = `${FULL}; ${LEFT}`;
const RETURN = `${FULL}; ${LEFT}; workstation reconcile; cp /srv/here/* /var/lib/workstation/parts/`;
const inCode = (script: string) => `${HERE}; cd /home/one/code && su -s /bin/sh one -c '${script}'`;
/** The account as it was before it was called `one`; a link of an earlier rename is taken away first. */
const RENAMED = `${HERE}; systemctl disable --now t3-serve@one browser-serve@one credential-sync@one.timer; systemctl stop user@7501 user-7501.slice; rm -f /home/uno
usermod -l uno -d /home/uno one && groupmod -n uno one && mv /home/one /home/uno && mv /etc/t3-serve/one.env /etc/t3-serve/uno.env && mv /var/lib/systemd/linger/one /var/lib/systemd/linger/uno
sed -i 's/"one":{/"uno":{/' ${LEDGER}; cd /var/lib/workstation/parts; for k in account clones units; do sed 's/"osUser":"one"/"osUser":"uno"/' $k.one.json > $k.uno.json; done; cp /srv/renamed/* .`;
const UNIT = "/etc/systemd/system/t3-serve@.service";

const WAITING =
  "mkdir -p -m 700 /run/workstation/credentials; cp /srv/credentials.one.json /run/workstation/credentials/one.json";

/** What has to be so, for a run to come to that step. */
const SETUPS: Readonly<Record<Point, string>> = {
  "base-packages": "dpkg -P small-thing",
  "base-file": `rm /etc/skel/.tmux.conf ${UNIT}`,
  "base-link": "rm /etc/skel/.claude/skills",
  "base-managed-settings": "rm /etc/claude-code/managed-settings.json",
  "base-sudoers": "rm /etc/sudoers.d/workstation",
  "base-daemon-reload": `echo >> ${UNIT}`,
  "base-enable": "systemctl disable --now workstation-reconcile.timer",
  "base-sshd-reload": "rm /etc/ssh/sshd_config.d/50-workstation.conf",
  "maps-file": "rm /etc/ttyd-user-map",
  "maps-filter-file": "rm /etc/workstation/ports.nft",
  "maps-filter-apply": "nft add rule inet workstation input accept",
  "rename-linger": RENAMED,
  "rename-ledger": RENAMED,
  "rename-home": RENAMED,
  "rename-login": RENAMED,
  "rename-files": RENAMED,
  "account-ledger": FORGET,
  "account-create": FORGET,
  "account-home": `systemctl stop t3-serve@one browser-serve@one; rm -rf /home/one /var/lib/workstation/converged.json
sed -i 's/"uid":7501,"adopted":true/"uid":7501,"adopted":false/' ${LEDGER}; mkdir -p -m 700 /var/lib/workstation/pending-homes; echo '{"uid":7501}' > /var/lib/workstation/pending-homes/7501.json`,
  "account-home-mode": `sed -i 's/"uid":7501,"adopted":true/"uid":7501,"adopted":false/' ${LEDGER}; chmod 755 /home/one`,
  "account-lock": `sed -i 's/"uid":7501,"adopted":true/"uid":7501,"adopted":false/' ${LEDGER}; usermod -p x one`,
  "account-ageing": "chage --maxdays 90 one",
  "account-groups": "gpasswd -d one docker",
  "account-linger": "loginctl disable-linger one",
  "cut-record": CUT,
  "cut-lock": CUT,
  "cut-expire": CUT,
  "cut-group": CUT,
  "cut-linger": CUT,
  "cut-cron": CUT,
  "cut-at": CUT,
  "cut-credentials": `${CUT}; ${WAITING}`,
  "cut-end": CUT,
  "return-unlock": RETURN,
  "return-expire": RETURN,
  "return-group": RETURN,
  "return-cron": RETURN,
  "return-at": RETURN,
  "return-forget": RETURN,
  "park-record": PARKED,
  "park-return": `${PARKED}; workstation reconcile; ${HERE_AGAIN}`,
  "units-ledger": FORGET,
  "units-environment": "rm /etc/t3-serve/one.env",
  "units-limits": "rm -r /etc/systemd/system/user-7501.slice.d",
  "units-daemon-reload": "rm -r /etc/systemd/system/user-7501.slice.d",
  "units-start": "systemctl disable --now t3-serve@one",
  "units-stop": CUT,
  sweep: inCode("mkdir .clone.workstation-0123456789ab; touch ~/.start-claude.sh.workstation-0123456789ab"),
  "rename-conversations": `${inCode('cd; mkdir -p .claude/projects/-home-uno; rm -f .claude/projects/-home-one; echo "{\\"cwd\\":\\"/home/uno\\"}" > .claude/projects/-home-uno/1.jsonl')}; cp /srv/renamed/clones.one.json /var/lib/workstation/parts/`,
  "code-make": "rm -rf /home/one/code",
  "migrate-conversations": inCode(
    'cd; mkdir -p .claude/projects/-home-one-code; rm -f .claude/projects/-home-one-code-infra; echo "{\\"cwd\\":\\"/home/one/code\\"}" > .claude/projects/-home-one-code/1.jsonl; mv code/infra x; rm -rf code; mv x code',
  ),
  "migrate-set-aside": inCode("cd; mv code/infra x; rm -rf code; mv x code"),
  "migrate-make-code": inCode("cd; mv code/infra x; rm -rf code; mv x code"),
  "migrate-put-back": inCode("cd; mv code/infra x; rm -rf code; mv x code"),
  "migrate-worktrees": inCode(
    "cd; mv code/infra x; rm -rf code; mv x code; rm -rf code/wt; git -C code worktree prune; git -C code worktree add -f wt -B inner",
  ),
  "infra-clone": "rm -rf /home/one/code/infra",
  "repo-hoist": inCode("mv tripit infra/tripit"),
  "repo-clone": "rm -rf /home/one/code/tripit",
  "locked-filter": inCode("git -C infra config --remove-section filter.git-crypt"),
  "remote-add": inCode("git -C infra remote remove forgejo"),
  "remote-track": inCode("git -C infra branch -q -u origin/master"),
  "fast-forward":
    inCode("git -C infra reset -q --hard forgejo/master") +
    "; cd /srv/work/infra; date +%N > new; git add .; git -c user.name=t -c user.email=t commit -qm n; git push -q origin master; git push -q push master",
  "git-identity": "rm /home/one/.gitconfig",
  "git-credentials-mode": inCode("cd; echo x > .git-credentials; chmod 644 .git-credentials"),
  "git-credentials": `${WAITING}; rm -f /home/one/.git-credentials`,
  "vault-access": `${WAITING}; rm -rf /home/one/.config/credential-sync`,
  "kube-directory": "rm -rf /home/one/.kube",
  kubeconfig: "rm -f /home/one/.kube/config",
  launcher: "rm /home/one/start-claude.sh",
  "codex-mirror": inCode("cd; mkdir -p .codex; rm -f .codex/AGENTS.md"),
};

/** What each run answered: those that were killed, the one that finished, and the one that had nothing to do. */
async function cycle(point: Point, ...moments: readonly ("before" | "after")[]) {
  const argv = ["sh", "/srv/cycle.sh", point, ...moments];
  const said = (await host.sh(argv.join(" "), { input: SETUPS[point], timeoutMs: 180_000 })).split("\n");
  // A unit's file that was written anew is newer than the services that run, which no run restarts.
  const rest = said
    .slice(moments.length + 1)
    .filter((line) => !/: warning: .* still runs with the former settings/.test(line));
  return { killed: said.slice(0, moments.length), finished: said[moments.length], rest: rest.join("\n") };
}

test.each([...ROOT_POINTS, ...WORKER_POINTS])("killed before %s, and the next run after it", async (point) => {
  const { killed, finished, rest } = await cycle(point, "before", "after");
  const [setup = "", ...runs] = await Promise.all(
    ["setup", "before", "after", "last"].map((run) => host.sh(`echo ${run}:; tail -n 30 /run/${run}.log`)),
  );
  const logs = [setup, ...runs].join("\n");
  // Root's own death ends its run at once; a worker's is that person's failure. Either way the step was reached.
  const root = (ROOT_POINTS as readonly string[]).includes(point);
  const isReached = runs.slice(0, 2).map((log) => root || log.includes("the worker ended early"));
  const code = root ? "killed 137" : "killed 1";
  expect([...killed, ...isReached], logs).toEqual([code, code, true, true]);
  expect(finished, logs).toBe("finished 0");
  expect(rest, logs).toBe("nothing to change");
});

/** The step before it has several changes, and dies after the first of them: this state is no other cell's. */
const AFTER_SEVERAL: readonly Point[] = ["base-daemon-reload", "units-daemon-reload", "cut-linger", "cut-cron"];

test.each(AFTER_SEVERAL)("killed before %s, and the next run finishes", async (point) => {
  const { killed, finished, rest } = await cycle(point, "before");
  expect([...killed, finished, rest]).toEqual(["killed 137", "finished 0", "nothing to change"]);
});

test("after all that nobody is there twice, nothing half made is left, and what was given is what was given", async () => {
  await host.sh(HERE);
  const facts = await host.sh(
    "cut -d: -f1 /etc/passwd | sort | uniq -d; getent passwd one; find /home/one /etc /var/lib/workstation -name '*workstation-????????????' | wc -l; cat /etc/t3-serve/one.env; git -C /home/one/code/infra fsck 2>&1 | grep -v dangling; jq . </dev/null 2>/dev/null; cat /var/lib/workstation/ledger.json",
    { timeoutMs: 30_000 },
  );
  const { t3, browser } = portsOf(one);
  expect(facts).toContain("one:x:7501:7501::/home/one:/bin/zsh\n0\n");
  // The setups of the cut marked the account as taken over, so that a cut finds all there is to take.
  expect(facts).toContain(`"one":{"uid":7501,"adopted":true,"t3":${t3},"browser":${browser}}`);
});

test("two runs at once: the second waits for the first or says 75, and a crashed holder does not block", async () => {
  await host.sh("rm /home/one/start-claude.sh");
  const said = await host.sh(`(flock /run/workstation.lock sleep 4 &) ; sleep 0.5
WORKSTATION_LOCK_WAIT_S=1 workstation reconcile; echo "first $?"; workstation reconcile; echo "second $?"
(flock /run/workstation.lock sleep 100 & echo $! > /run/holder); sleep 0.5; pkill -9 -P $(cat /run/holder); kill -9 $(cat /run/holder); workstation reconcile; echo "third $?"`);
  expect(said.split("\n")).toEqual([
    "first 75",
    "one: wrote ~/start-claude.sh",
    "second 0",
    "nothing to change",
    "third 0",
  ]);
});

test("somebody else holds the password file: waited for, then told by name", async () => {
  await host.sh(FORGET);
  const hold = (seconds: number) =>
    `(perl -e 'use Fcntl; open(F,">>/etc/.pwd.lock"); fcntl(F, F_SETLKW, pack("ssqqi", F_WRLCK, 0, 0, 0, 0)); sleep ${seconds}' &); sleep 0.5`;
  expect(await host.sh(`${hold(5)}; workstation reconcile >/dev/null; echo $?`)).toBe("0");
  expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
});
