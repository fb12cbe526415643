/**
 * Killed before and after every mutating step: the next run finishes, and the one after that changes nothing. Each step has
 * a person of its own, so that one run dies at a step and in the same breath finishes what the run before has left.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Point, ROOT_POINTS, WORKER_POINTS } from "../../agent/failpoint.ts";
import { quiet, startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, credentials, maps, portsOf, REMOTE, type Somebody, units } from "./host/parts.ts";

type RootPoint = (typeof ROOT_POINTS)[number];
type WorkerPoint = (typeof WORKER_POINTS)[number];
const MOMENTS = ["before", "after"] as const;

/** A package that can be had without any network. */
const LOCAL_PACKAGE = `mkdir -p /srv/repo/p/DEBIAN; cd /srv/repo
printf 'Package: small-thing\\nVersion: 1\\nArchitecture: all\\nMaintainer: t <t@example.org>\\nDescription: nothing\\n' > p/DEBIAN/control
dpkg-deb -b p small-thing.deb >/dev/null
{ cat p/DEBIAN/control; printf 'Filename: ./small-thing.deb\\nSize: %s\\nSHA256: %s\\n\\n' $(stat -c %s small-thing.deb) $(sha256sum small-thing.deb | cut -d' ' -f1); } > Packages
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; echo 'deb [trusted=yes] file:/srv/repo ./' > /etc/apt/sources.list.d/local.list`;

const UNIT = "/etc/systemd/system/t3-serve@.service";
/** What has to be so for a run to come to that step of the host's, in the order of the steps. */
const HOST_SETUPS = new Map<RootPoint, string>([
  ["base-packages", "dpkg -P small-thing"],
  ["base-managed-settings", "rm /etc/claude-code/managed-settings.json"],
  ["base-file", `rm /etc/skel/.tmux.conf ${UNIT}`],
  ["base-link", "rm /etc/skel/.claude/skills"],
  ["base-sudoers", "rm /etc/sudoers.d/workstation"],
  ["base-sshd-reload", "rm /etc/ssh/sshd_config.d/50-workstation.conf"],
  ["base-daemon-reload", "true"],
  ["base-enable", "systemctl disable --now workstation-reconcile.timer"],
  ["maps-file", "rm /etc/ttyd-user-map"],
  ["maps-filter-file", "rm /etc/workstation/ports.nft"],
  ["maps-filter-apply", "nft delete table inet workstation"],
]);

const NEW = "true";
/** All that a cut takes away, there to be taken. */
const FULL = `sed -i 's/"@P@":{"uid":@U@,"adopted":false/"@P@":{"uid":@U@,"adopted":true/' /var/lib/workstation/ledger.json
echo '0 5 * * * /bin/true' | crontab -u @P@ -; su -s /bin/sh @P@ -c 'echo true | at now + 1 day'; gpasswd -a @P@ docker; systemd-run --uid=@U@ sleep 1000; usermod -p x @P@`;
/** The account as it was before it had its present name. */
const RENAMED = `systemctl stop user@@U@ user-@U@.slice; usermod -l was-@P@ -d /home/was-@P@ @P@ && groupmod -n was-@P@ @P@ && mv /home/@P@ /home/was-@P@
loginctl disable-linger was-@P@; sed -i 's/"@P@":{/"was-@P@":{/' /var/lib/workstation/ledger.json`;
const WAITING = "mkdir -p -m 700 /run/workstation/credentials; echo '{}' > /run/workstation/credentials/@P@.json";
/** The same of a person's steps; those of the account come first, since a run does everybody's accounts before any unit. */
const PERSON_SETUPS = new Map<RootPoint, string>([
  ["rename-ledger", RENAMED],
  ["rename-home", RENAMED],
  ["rename-login", RENAMED],
  ["rename-files", RENAMED],
  ["account-ledger", NEW],
  ["account-create", NEW],
  ["account-home", "rm -rf /home/@P@"],
  ["account-home-mode", "chmod 755 /home/@P@"],
  ["account-lock", "usermod -p x @P@"],
  ["account-groups", "gpasswd -d @P@ docker"],
  ["account-linger", "loginctl disable-linger @P@"],
  ["cut-credentials", `${FULL}\n${WAITING}`],
  ...(
    [
      "cut-record",
      "units-stop",
      "cut-lock",
      "cut-expire",
      "cut-group",
      "cut-linger",
      "cut-cron",
      "cut-at",
      "cut-end",
      ...[
        "return-unlock",
        "return-expire",
        "return-group",
        "return-cron",
        "return-at",
        "return-linger",
        "return-forget",
      ],
    ] as RootPoint[]
  ).map((point) => [point, FULL] as const),
  ["units-ledger", NEW],
  ["units-environment", "rm /etc/t3-serve/@P@.env"],
  ["units-limits", "rm -r /etc/systemd/system/user-@U@.slice.d"],
  ["units-daemon-reload", "rm -r /etc/systemd/system/user-@U@.slice.d"],
  ["units-start", "systemctl disable --now t3-serve@@P@"],
]);

const inCode = (script: string) => `cd /home/@P@/code && su -s /bin/sh @P@ -c '${script}'`;
const SINGLE = "cd; mv code/infra x; rm -rf code; mv x code";
const WORKER_SETUPS: Readonly<Record<WorkerPoint, string>> = {
  "rename-conversations": inCode(
    'cd; mkdir -p .claude/projects/-home-uno; rm -f .claude/projects/-home-@P@; echo "{\\"cwd\\":\\"/home/uno\\"}" > .claude/projects/-home-uno/1.jsonl',
  ),
  sweep: inCode("mkdir .clone.workstation-0123456789ab; touch ~/.start-claude.sh.workstation-0123456789ab"),
  "code-make": "rm -rf /home/@P@/code",
  "migrate-conversations": inCode(
    `${SINGLE}; mkdir -p .claude/projects/-home-@P@-code; rm -f .claude/projects/-home-@P@-code-infra; echo "{\\"cwd\\":\\"/home/@P@/code\\"}" > .claude/projects/-home-@P@-code/1.jsonl`,
  ),
  "migrate-set-aside": inCode(SINGLE),
  "migrate-make-code": inCode(SINGLE),
  "migrate-put-back": inCode(SINGLE),
  "migrate-worktrees": inCode(
    `${SINGLE}; rm -rf code/wt; git -C code worktree prune; git -C code worktree add -f wt -B inner`,
  ),
  "infra-clone": "rm -rf /home/@P@/code/infra",
  "repo-hoist": inCode("mv tripit infra/tripit"),
  "repo-clone": "rm -rf /home/@P@/code/tripit",
  "locked-filter": inCode("git -C infra config --remove-section filter.git-crypt"),
  "remote-add": inCode("git -C infra remote remove forgejo"),
  "remote-track": inCode("git -C infra branch -q -u origin/master"),
  "fast-forward": inCode("git -C infra reset -q --hard HEAD~1"),
  "git-identity": "rm /home/@P@/.gitconfig",
  "git-credentials-mode": inCode("cd; echo x > .git-credentials; chmod 644 .git-credentials"),
  "git-credentials":
    "mkdir -p -m 700 /run/workstation/credentials; cp /srv/credentials.json /run/workstation/credentials/@P@.json; rm -f /home/@P@/.git-credentials",
  "kube-directory": "rm -rf /home/@P@/.kube",
  kubeconfig: "rm -f /home/@P@/.kube/config",
  launcher: "rm /home/@P@/start-claude.sh",
  "codex-mirror": inCode("cd; mkdir -p .codex; rm -f .codex/AGENTS.md"),
};

const setup = (of: Somebody, script: string) => script.replaceAll("@P@", of.osUser).replaceAll("@U@", String(of.uid));
const named = (letter: string, at: number, uid: number, over: Partial<Somebody> = {}): Somebody => ({
  osUser: `${letter}${String(at).padStart(2, "0")}`,
  uid: uid + at,
  ...over,
});
const workers = new Map(
  WORKER_POINTS.map((point, at) => [
    point,
    named("k", at, 7400, {
      layout: "workspace",
      repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
      ...(point === "rename-conversations" ? { formerNames: ["uno"] } : {}),
    }),
  ]),
);
const roots = new Map(
  [...PERSON_SETUPS.keys()].map((point, at) => {
    const { osUser } = named("r", at, 7500);
    const formerNames = point.startsWith("rename-") ? { formerNames: [`was-${osUser}`] } : {};
    return [point, named("r", at, 7500, { groups: ["docker"], ...formerNames })];
  }),
);
const isNew = (point: RootPoint) => PERSON_SETUPS.get(point) === NEW;
const hasUnits = (point: RootPoint) => point.startsWith("units-");
const leaves = (point: RootPoint) => point.startsWith("cut-") || point === "units-stop";
const comesBack = (point: RootPoint) => point.startsWith("return-");

let host: TestHost;
/** Puts down everybody's parts as the last delivery. @param left whose step makes them one who left */
async function deliver(points: readonly RootPoint[], left: (point: RootPoint) => boolean): Promise<void> {
  const people = points.flatMap((point): [RootPoint, Somebody][] => {
    const who = roots.get(point);
    return who === undefined ? [] : [[point, left(point) ? { ...who, state: "left" } : who]];
  });
  await host.put([
    base({ ...quiet, packages: ["git", "small-thing"], reconcile: { maxStateAgeHours: 24, removalLimit: 100 } }),
    maps([...people.map(([, who]) => who), ...workers.values()]),
    ...people.flatMap(([point, who]) => [account(who), ...(hasUnits(point) ? [units(who)] : [])]),
    ...[...workers.values()].flatMap((who) => [account(who), clones(who)]),
  ]);
}

interface Run {
  readonly failpoint: string;
  readonly code: number;
  readonly lines: readonly string[];
}

/** One run after the other, each with its failpoint, then one that is to finish and one that is to find nothing. */
async function chain(failpoints: readonly string[]): Promise<readonly Run[]> {
  const script = `for f in ${failpoints.join(" ")} none none; do WORKSTATION_FAILPOINT=$f workstation reconcile > /run/chain.log 2>&1; echo "@@ $f $?"; cat /run/chain.log; done`;
  const said = await host.sh(script, { timeoutMs: 580_000 });
  return said
    .split("@@ ")
    .slice(1)
    .map((text) => {
      const [head = "", ...lines] = text.trimEnd().split("\n");
      const [failpoint = "", code = ""] = head.split(" ");
      return { failpoint, code: Number(code), lines };
    });
}

const both = (point: Point, who?: string) =>
  MOMENTS.map((moment) => `${point}:${moment}${who === undefined ? "" : `@${who}`}`);
/** The run that died there, and the sentences about its subject in the runs after the one that finished what it left. */
function fate(runs: readonly Run[], failpoint: string, about: (line: string) => boolean) {
  const at = runs.findIndex((run) => run.failpoint === failpoint);
  const settledAt = at + (failpoint.includes(":before") ? 3 : 2);
  return { code: runs[at]?.code, late: runs.slice(settledAt, -2).flatMap((run) => run.lines.filter(about)) };
}
const ending = (runs: readonly Run[]) => runs.slice(-2).map(({ code, lines }) => [code, lines.at(-1)]);

let hostRuns: readonly Run[] = [];
let personRuns: readonly Run[] = [];
beforeAll(async () => {
  host = await startTestHost("kills", 4);
  await host.sh(LOCAL_PACKAGE);
  const all = [...PERSON_SETUPS.keys()];
  await deliver(
    all.filter((point) => !isNew(point)),
    () => false,
  );
  await host.converge();
  // The end of a delivery: nobody is cut from a state of unknown age.
  await host.workstation("settle");
  await host.sh([...HOST_SETUPS.values()].join("\n"));
  hostRuns = await chain([...HOST_SETUPS.keys()].flatMap((point) => both(point)));
  const scripts = [...roots].map(([point, who]) => setup(who, PERSON_SETUPS.get(point) ?? ""));
  await host.sh(`{ ${scripts.join("\n")}\n} >/run/setup.log 2>&1; true`, { timeoutMs: 120_000 });
  await deliver(
    all.filter((point) => !isNew(point)),
    comesBack,
  );
  // A home that is missing or open, a password that opens: they wait for their own kill. Only who comes back is cut now.
  await host.sh("mkdir /srv/wait; cd /var/lib/workstation/parts");
  const waiting = all.filter((point) => !isNew(point) && !comesBack(point)).map((point) => roots.get(point)?.osUser);
  await host.sh(
    `cd /var/lib/workstation/parts; for p in ${waiting.join(" ")}; do rm -f *.$p.json; done; workstation reconcile || true`,
  );
  await deliver(all, leaves);
  personRuns = await chain([...roots].flatMap(([point, who]) => both(point, who.osUser)));
}, 900_000);
afterAll(() => host.vm.stop());

const hostCells = [...HOST_SETUPS.keys()].flatMap((point) => MOMENTS.map((moment) => [point, moment] as const));
test.each(hostCells)("the host's step %s, killed %s it", (point, moment) => {
  const { code, late } = fate(hostRuns, `${point}:${moment}`, () => false);
  expect([code, late]).toEqual([137, []]);
  expect(ending(hostRuns), JSON.stringify(hostRuns.at(-2))).toEqual([
    [0, expect.any(String)],
    [0, "nothing to change"],
  ]);
});

const personCells = [...roots].flatMap(([point, who]) => MOMENTS.map((moment) => [point, moment, who.osUser] as const));
test.each(personCells)("a person's step %s, killed %s it (%s)", (point, moment, who) => {
  const { code, late } = fate(personRuns, `${point}:${moment}@${who}`, (line) => line.includes(`${who}: `));
  expect([code, late], JSON.stringify(personRuns.slice(-3))).toEqual([137, []]);
  expect(ending(personRuns), JSON.stringify(personRuns.at(-2))).toEqual([
    [0, expect.any(String)],
    [0, "nothing to change"],
  ]);
});

test.each(MOMENTS)(
  "every step of a worker, killed %s it: the run after finishes, and the next finds nothing",
  async (moment) => {
    const waiting = workers.get("git-credentials");
    if (waiting !== undefined)
      await host.sh("cat > /srv/credentials.json", {
        input: JSON.stringify({ ...credentials(waiting), token: moment }),
      });
    const scripts = [...workers].map(([point, who]) => setup(who, WORKER_SETUPS[point]));
    await host.sh(
      `cd /srv/work/infra; date +%N > new; git add .; git -c user.name=t -c user.email=t commit -qm n; git push -q origin master; git push -q push master`,
    );
    await host.converge();
    await host.sh(`{ ${scripts.join("\n")}\n} >/run/setup.log 2>&1; true`, { timeoutMs: 300_000 });
    const failpoint = [...workers].map(([point, who]) => `${point}:${moment}@${who.osUser}`).join(",");
    const killed = await host.workstation("reconcile", "", failpoint);
    expect(killed.code).toBe(1);
    const broken = new Set(killed.err.flatMap((line) => /(k\d\d): \w+: their worker broke off/.exec(line)?.[1] ?? []));
    expect([...workers].filter(([, who]) => !broken.has(who.osUser)).map(([point]) => point)).toEqual([]);
    const finished = await host.workstation("reconcile");
    expect([finished.code, finished.err.filter((line) => line.startsWith("failed"))]).toEqual([0, []]);
    expect(await host.workstation("reconcile")).toMatchObject({ code: 0, out: ["nothing to change"] });
  },
);

test("every step has been killed", () => {
  const tried = [...HOST_SETUPS.keys(), ...PERSON_SETUPS.keys(), ...WORKER_POINTS];
  expect([...ROOT_POINTS, ...WORKER_POINTS].filter((point) => !tried.includes(point))).toEqual([]);
});

test("after all that nobody is there twice, nothing half made is left, and what was given is what was given", async () => {
  const facts = await host.sh(
    "cut -d: -f1 /etc/passwd | sort | uniq -d; find /home /etc /var/lib/workstation -name '*workstation-????????????' | wc -l; for h in /home/k*; do git -C $h/code/infra fsck 2>&1 | grep -v -e dangling -e notice; done; getent passwd r05; cat /var/lib/workstation/ledger.json",
    { timeoutMs: 60_000 },
  );
  expect(facts).toMatch(/^0\nr05:x:7505:7505::\/home\/r05:\/bin\/zsh\n/);
  const started = roots.get("units-start") ?? named("r", 0, 0);
  const { t3, browser } = portsOf(started);
  expect(facts).toContain(`"${started.osUser}":{"uid":${started.uid},"adopted":false,"t3":${t3},"browser":${browser}}`);
});

test("two runs at once: the second waits for the first or says 75, and a crashed holder does not block", async () => {
  await host.sh("rm /home/k00/start-claude.sh");
  const said = await host.sh(`(flock /run/workstation.lock sleep 4 &) ; sleep 0.5
WORKSTATION_LOCK_WAIT_S=1 workstation reconcile; echo "first $?"; workstation reconcile; echo "second $?"
(flock /run/workstation.lock sleep 100 & echo $! > /run/holder); sleep 0.5; pkill -9 -P $(cat /run/holder); kill -9 $(cat /run/holder); workstation reconcile; echo "third $?"`);
  expect(said.split("\n")).toEqual([
    "first 75",
    "k00: wrote ~/start-claude.sh",
    "second 0",
    "nothing to change",
    "third 0",
  ]);
});
