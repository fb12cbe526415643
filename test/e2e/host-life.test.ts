/** A person's life on a real host: made, healed, parked, adopted, left and back; each story ends with a run that changes nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { digestOf } from "../../agent/lib/delivered-digests.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, maps, portsOf, REMOTE, type Somebody, units } from "./host/parts.ts";

const wizard: Somebody = {
  osUser: "wizard",
  uid: 7001,
  layout: "untouched",
  groups: ["code-shared", "docker", "sudo", "nogroup-here"],
  gainsPrivileges: true,
};
const emo: Somebody = { osUser: "emo", uid: 7002 };
const anca: Somebody = {
  osUser: "anca",
  uid: 7003,
  layout: "workspace",
  repos: [{ name: "tripit", url: `${REMOTE}/tripit` }],
};
const everybody = [wizard, emo, anca];
/** Has an account before the program comes. */
const old: Somebody = { osUser: "old", uid: 7010 };

let host: TestHost;
afterAll(() => host.vm.stop());
beforeAll(async () => {
  host = await startTestHost("host", 1);
});

interface PersonsProbed {
  readonly people: readonly { readonly account: object }[];
}

const nothing = { code: 0, out: ["nothing to change"] };

test("an empty host gets everybody, and a second delivery and the hourly run change nothing", async () => {
  await host.sh("groupdel code-shared");
  const first = await host.deliver(everybody);
  expect(first.code).toBe(0);
  expect(first.out.filter((line) => line.startsWith("wizard: created group"))).toEqual([
    "wizard: created group code-shared, which was missing",
  ]);
  expect(first.out).toContain("wizard: added to group docker");
  expect(first.err).toEqual(["wizard: warning: this host has no group nogroup-here: not added"]);
  const second = await host.deliver(everybody);
  expect(second.out.filter((line) => !line.endsWith("nothing to change"))).toEqual([
    "delivery complete: every user is in the delivered state",
  ]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  expect(await host.workstation("reconcile --check")).toMatchObject(nothing);
});

test("nobody's worker starts while nothing changes, and starts when something does", async () => {
  const started = () => host.sh("journalctl --no-pager -o cat | grep -c 'Started workstation-worker'");
  // Once a day everybody's worker starts all the same; in two hours that follow each other it is nobody's twice.
  await host.workstation("reconcile");
  const before = Number(await started());
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  expect(Number(await started()) - before).toBeLessThan(everybody.length);
  await host.sh("git config --global --unset user.email", { as: "anca" });
  expect((await host.workstation("reconcile")).out).toEqual(["anca: set git's user.email"]);
  await host.sh(
    "cd /srv/work/infra; echo new > new; git add .; git -c user.name=t -c user.email=t commit -qm new; git push -q origin master; git push -q push master",
  );
  expect((await host.workstation("reconcile --check")).out).toEqual(["nothing to change"]);
  expect([...(await host.workstation("reconcile")).out].sort()).toEqual([
    "anca: updated ~/code/infra, master was behind 1",
    "emo: updated ~/code, master was behind 1",
  ]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("an account is closed and without a password from its first moment", async () => {
  const facts = await host.sh(
    "getent passwd anca; passwd --status anca | cut -d' ' -f2; stat -c '%a %U %G' /home/anca; id -nG anca; id -nG wizard",
  );
  expect(facts.split("\n")).toEqual([
    "anca:x:7003:7003::/home/anca:/bin/zsh",
    "L",
    "700 anca anca",
    "anca",
    "wizard sudo docker code-shared",
  ]);
});

test("a demoted admin loses what the tier gave, in running sessions as well, and keeps a group by hand", async () => {
  await host.deliver([wizard, { ...emo, groups: ["docker", "sudo"] }, anca]);
  await host.sh(
    "gpasswd -a emo code-shared; systemd-run --quiet --uid=emo --slice=user-7002.slice --unit=emo-work sleep 1000",
  );
  const holders = () =>
    host.sh(
      "docker=$(getent group docker | cut -d: -f3); for p in $(pgrep -u emo); do grep -h ^Groups: /proc/$p/status; done | grep -cw $docker; true",
    );
  expect(Number(await holders())).toBeGreaterThan(0);
  const demotion = await host.deliver(everybody);
  expect(demotion.code).toBe(0);
  expect(demotion.out).toEqual(
    expect.arrayContaining([
      "emo: removed from group docker",
      "emo: removed from group sudo",
      expect.stringMatching(/^emo: ended their sessions and processes, \d+ of which held docker, sudo$/),
    ]),
  );
  expect(demotion.err.join("\n")).toContain("emo: warning: is in group code-shared, which their tier does not give");
  expect(
    await host.sh("id -nG emo; sudo -l -U emo | grep -c 'is not allowed'; systemctl is-active t3-serve@emo.service"),
  ).toBe("emo code-shared\n1\nactive");
  expect(await holders()).toBe("0");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  await host.sh("gpasswd -d emo code-shared");
});

test("homes hold their clones and files, each as its owner's", async () => {
  const seen = await host.sh(
    "cd /home; stat -c '%n %a %U' anca/code/infra/readme anca/code/tripit/readme emo/code/readme anca/.kube/config anca/start-claude.sh; " +
      "git -C anca/code/infra config branch.master.remote; git -C anca/code/infra remote; ls -d wizard/code 2>&1 | tail -1; " +
      "find /home/anca /home/emo -uid 0 | wc -l",
  );
  expect(seen.split("\n")).toEqual([
    "anca/code/infra/readme 644 anca",
    "anca/code/tripit/readme 644 anca",
    "emo/code/readme 644 emo",
    "anca/.kube/config 600 anca",
    "anca/start-claude.sh 755 anca",
    "forgejo",
    "forgejo",
    "origin",
    "ls: cannot access 'wizard/code': No such file or directory",
    "0",
  ]);
});

test("installed units and sudoers are what systemd and sudo accept, and the units run in their person's slice", async () => {
  const verified = await host.sh(
    "systemd-analyze verify /etc/systemd/system/t3-serve@.service /etc/systemd/system/browser-serve@.service /etc/systemd/system/credential-sync@.service /etc/systemd/system/credential-sync@.timer /etc/systemd/system/workstation-*.service /etc/systemd/system/workstation-*.timer 2>&1",
  );
  expect(verified).toBe("");
  expect(await host.sh("visudo --check --quiet && sudo -l -U wizard | tail -1")).toContain("NOPASSWD: ALL");
  expect(await host.sh("sudo -l -U anca")).toContain("is not allowed to run sudo");
  const shown = await host.sh(
    "systemctl show -p ActiveState,Slice t3-serve@anca; systemctl show -p MemoryMax,TasksMax,CPUQuotaPerSecUSec user-7003.slice",
  );
  expect(shown.split("\n").sort()).toEqual([
    "ActiveState=active",
    "CPUQuotaPerSecUSec=2s",
    "MemoryMax=4294967296",
    "Slice=user-7003.slice",
    "TasksMax=512",
  ]);
});

test("an admin has sudo in their code server and others have not, and everybody reaches their tmux sessions in it", async () => {
  const inCodeServer = (who: string) =>
    `p=$(systemctl show -p MainPID --value t3-serve@${who}); grep ^NoNewPrivs /proc/$p/status; ` +
    `runuser -u ${who} -- tmux -u new-session -d -s here; nsenter --target $p --mount ls /tmp/tmux-$(id -u ${who}); runuser -u ${who} -- tmux -u kill-server`;
  expect(await host.sh(inCodeServer("wizard"))).toBe("NoNewPrivs:\t0\ndefault");
  expect(await host.sh(inCodeServer("anca"))).toBe("NoNewPrivs:\t1\ndefault");
});

test("a changed command restarts nothing, and the delivery names what still runs with the former one", async () => {
  const pid = () => host.sh("systemctl show -p MainPID --value t3-serve@anca");
  const before = await pid();
  await host.sh("sleep 1.1");
  const { commands } = base();
  const changed = await host.apply(base({ commands: { ...commands, t3: ["/usr/bin/env", ...(commands.t3 ?? [])] } }));
  const names = ["anca", "emo", "wizard"].map((who) => `t3-serve@${who}.service`);
  expect(changed.err).toEqual([
    expect.stringContaining(`host: warning: ${names.join(", ")}: still run with the former settings; not restarted`),
  ]);
  expect(await pid()).toBe(before);
  expect((await host.workstation("reconcile")).err.join("\n")).toContain(
    "anca: warning: t3-serve@anca.service: still runs with the former settings",
  );
  await host.apply(base());
  await host.sh(`sleep 1.1; systemctl restart ${names.join(" ")}`);
  const after = await host.workstation("reconcile");
  expect([after, after.err.join("\n")]).toEqual([
    expect.objectContaining(nothing),
    expect.not.stringContaining("former settings"),
  ]);
});

test("a command that is taken out stops and removes everybody's units of it, and starts them again once it is back", async () => {
  const { t3, ...others } = base().commands;
  const names = ["anca", "emo", "wizard"].map((who) => `t3-serve@${who}.service`);
  const states = () => host.sh(`systemctl is-active ${names.join(" ")} browser-serve@anca.service | xargs`);
  const gone = await host.apply(base({ commands: others }));
  for (const name of names) expect(gone.out).toContain(`host: stopped ${name}, disabled`);
  expect(gone.out).toContain("host: removed /etc/systemd/system/t3-serve@.service");
  expect(await host.workstation("settle")).toMatchObject({ code: 0 });
  expect(await states()).toBe("inactive inactive inactive active");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  const status = await host.workstation("status");
  expect([status.code, status.out]).toEqual([
    0,
    expect.arrayContaining([
      "program devvm.commands.t3: not set, so nobody has a code server",
      "program /usr/bin/sleep: there; the browser server of each person",
    ]),
  ]);
  expect(await host.sh("find /etc/systemd/system -name 't3-serve@*' -not -name '*.d'")).toBe("");
  await host.apply(base({ commands: { ...others, t3 } }));
  const back = await host.workstation("settle");
  for (const who of ["anca", "emo", "wizard"])
    expect(back.out).toContain(`${who}: started t3-serve@${who}.service, enabled`);
  expect(await states()).toBe("active active active active");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a person's port answers to them and to the proxy, over both protocols, and to nobody else", async () => {
  const { t3 } = portsOf(anca);
  await host.sh(
    `systemd-run --quiet --unit=six --uid=anca node -e 'require("net").createServer(s=>s.end("x")).listen(${portsOf(anca).browser},"::1")'; sleep 0.5`,
  );
  const reach = (who: string, url: string) =>
    host.sh(`setpriv --reuid ${who} --clear-groups curl -s -m 3 -o /dev/null --http0.9 ${url} && echo in || echo out`);
  const four = `http://127.0.0.1:${t3}/`;
  const six = `http://[::1]:${portsOf(anca).browser}/`;
  expect([
    await reach("anca", four),
    await reach("www-data", four),
    await reach("emo", four),
    await reach("wizard", four),
  ]).toEqual(["in", "in", "out", "out"]);
  expect([await reach("anca", six), await reach("www-data", six), await reach("emo", six)]).toEqual([
    "in",
    "in",
    "out",
  ]);
  await host.sh("systemctl stop six");
});

test("a squatter on somebody's port gets no byte from them", async () => {
  await host.sh(
    `systemctl stop t3-serve@anca; systemd-run --quiet --unit=squat --uid=emo node -e 'require("net").createServer(s=>s.end("x")).listen(${portsOf(anca).t3},"127.0.0.1")'; sleep 0.5`,
  );
  const seen = await host.sh(
    `setpriv --reuid anca --clear-groups curl -s -m 2 --http0.9 http://127.0.0.1:${portsOf(anca).t3}/ && echo in || echo out`,
  );
  await host.sh("systemctl stop squat; systemctl start t3-serve@anca");
  expect(seen).toBe("out");
});

test("the packet filter is as delivered again after somebody has added to it, and after a reboot before anything listens", async () => {
  await host.sh("nft add rule inet workstation input accept");
  expect((await host.workstation("reconcile")).out).toEqual(["host: applied the packet filter of the users' ports"]);
  await host.vm.reboot();
  expect(await host.sh("nft list table inet workstation | grep -c guests; systemctl is-active t3-serve@anca")).toBe(
    "2\nactive",
  );
  await host.sh(
    "systemctl start remotes 2>/dev/null || systemd-run --quiet --unit=remotes -p User=nobody node /srv/git-server.mjs /srv/git 8080; mkdir -p /run/workstation; touch /run/workstation/allow-failpoints",
  );
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("the environment file keeps every byte of the person's and the port is set back", async () => {
  await host.sh(
    `printf 'A="x\\nT3_PORT=1"\\n# mine\\nT3_PORT=9999\\nB=\\377\\r\\nT3_PORT=8888\\n' > /etc/t3-serve/anca.env`,
  );
  expect((await host.workstation("reconcile")).out).toEqual([
    "anca: set the ports in /etc/t3-serve/anca.env, other lines unchanged",
  ]);
  const { t3, browser } = portsOf(anca);
  const bytes = await host.sh("base64 -w0 /etc/t3-serve/anca.env");
  expect(Buffer.from(bytes, "base64").toString("latin1")).toBe(
    `A="x\nT3_PORT=1"\n# mine\nT3_PORT=${t3}\nB=\u00ff\r\nBROWSER_PORT=${browser}\n`,
  );
  expect(await host.sh("stat -c '%a %U' /etc/t3-serve/anca.env")).toBe("600 anca");
  await host.sh("rm /etc/t3-serve/anca.env");
  await host.workstation("reconcile");
});

test("parked people keep all and run nothing, and come back", async () => {
  await host.sh("echo '0 5 * * * /bin/true' | crontab -u emo -");
  await host.sh("tmux -u new-session -d -s work -c /home/emo", { as: "emo" });
  await host.sh(
    "setpriv --reuid 7002 --regid 7002 --clear-groups setsid sleep 9997 </dev/null >/dev/null 2>&1 & " +
      "runuser -u emo -- env XDG_RUNTIME_DIR=/run/user/7002 systemd-run --quiet --user --unit=own-work sleep 9996",
  );
  const parked: Somebody = { ...emo, state: "parked" };
  await host.apply(maps([wizard, parked, anca]));
  expect((await host.apply(units(parked))).out).toEqual(
    expect.arrayContaining([
      "emo: recorded their sessions, to restore them later",
      "emo: disabled lingering",
      "emo: suspended the crontab",
      "emo: ended all sessions and processes",
    ]),
  );
  const atWork =
    "ps -u emo -o comm= | wc -l; ls /var/lib/systemd/linger; crontab -u emo -l 2>&1 | tail -1; grep -c =emo /etc/ttyd-user-map";
  const AT_REST = ["0", "anca", "wizard", "no crontab for emo", "0"];
  expect((await host.sh(`${atWork} || true`)).split("\n")).toEqual(AT_REST);
  const restored = await host.vm.ssh("tmux-persist save emo; tmux-persist restore; tmux-persist restore emo", {
    accept: [2],
  });
  expect([restored.stdout, restored.stderr]).toEqual([
    "anca: nothing to restore\nwizard: nothing to restore\n",
    expect.stringContaining("emo is parked on this host, so nothing is restored"),
  ]);
  const resting =
    "systemctl is-enabled t3-serve@emo browser-serve@emo credential-sync@emo.timer; systemctl is-active t3-serve@emo browser-serve@emo credential-sync@emo.timer";
  expect((await host.sh(`${resting} || true`)).split("\n")).toEqual([
    ...Array(3).fill("disabled"),
    ...Array(3).fill("inactive"),
  ]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  await host.vm.reboot();
  await host.sh(
    "systemctl start remotes 2>/dev/null || systemd-run --quiet --unit=remotes -p User=nobody node /srv/git-server.mjs /srv/git 8080; mkdir -p /run/workstation; touch /run/workstation/allow-failpoints",
  );
  expect((await host.sh(`${atWork} || true`)).split("\n")).toEqual(AT_REST);
  await host.apply(maps(everybody));
  expect((await host.apply(units({ ...emo, claudeAuth: false }))).out).toEqual(
    expect.arrayContaining(["emo: restored the crontab", "emo: restored the saved sessions"]),
  );
  expect(await host.sh("tmux -u list-sessions -F '#{session_name}|#{session_path}'", { as: "emo" })).toBe(
    "work|/home/emo",
  );
  await host.sh("crontab -r; tmux -u kill-server", { as: "emo" });
  expect((await host.sh(`${resting} || true`)).split("\n")).toEqual([
    "enabled",
    "enabled",
    "disabled",
    "active",
    "active",
    "inactive",
  ]);
  await host.apply(units(emo));
  expect((await host.sh(resting)).split("\n")).toEqual([...Array(3).fill("enabled"), ...Array(3).fill("active")]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("whoever leaves loses every access and nothing else, and gets everything back", async () => {
  const facts =
    "getent passwd wizard; id -nG wizard; getent shadow wizard | cut -d: -f2,8; crontab -u wizard -l; ls /var/lib/systemd/linger; systemctl is-active t3-serve@wizard; find /home/wizard -type f | sort | xargs sha256sum";
  await host.sh(
    "echo '0 5 * * * /bin/true' | crontab -u wizard -; usermod -e 2099-01-01 wizard; systemctl start user@7001",
  );
  const before = await host.sh(facts);
  await host.sh(
    "systemd-run --quiet --unit=stays --uid=wizard -p Restart=no sleep 10000; runuser -u wizard -- setsid sleep 9999 </dev/null >/dev/null 2>&1 &",
  );
  await host.sh(
    "sed -i /^wizard:/d /etc/subuid; echo wizard:900000:65536 >> /etc/subuid; install -m 4755 -o wizard /bin/true /srv/as-wizard; " +
      "setpriv --reuid 900001 --regid 900001 --clear-groups setsid sleep 9998 </dev/null >/dev/null 2>&1 &",
  );
  // It ends each later process of theirs as soon as it sees it, again and again.
  const hostile = 'while(1){opendir D,"/proc";for(readdir D){kill 9,$_ if/^\\d+$/&&$_>$$}}';
  await host.sh(
    `setpriv --reuid 7001 --regid 7001 --clear-groups setsid perl -e '${hostile}' </dev/null >/dev/null 2>&1 &`,
  );
  const gone = { ...wizard, state: "left" } as const;
  const said = await host.deliver([gone, emo, anca]);
  expect(said).toMatchObject({ code: 0, err: [] });
  expect(
    await host.sh(
      "passwd --status wizard | cut -d' ' -f2; getent shadow wizard | cut -d: -f8; id -nG wizard; crontab -u wizard -l 2>&1; ls /var/lib/systemd/linger; ps -u wizard,900001 -o comm= | wc -l; systemctl is-enabled t3-serve@wizard || true",
    ),
  ).toBe(["L", "1", "wizard", "no crontab for wizard", "anca", "emo", "0", "disabled"].join("\n"));
  const probed = JSON.parse((await host.workstation("probe wizard")).out.join("")) as PersonsProbed;
  expect(probed.people[0]?.account).toMatchObject({
    ...{ processes: 0, sharedProcesses: 0, containers: [] },
    setIdFiles: { theirs: ["/srv/as-wizard"], unknown: [], incomplete: null },
  });
  await host.sh("rm /srv/as-wizard");
  await host.sh(
    "mkdir -p /home/wizard/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/w 2>/dev/null; cp /root/w.pub /home/wizard/.ssh/authorized_keys; chown -R wizard: /home/wizard/.ssh",
  );
  const login =
    "ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/w wizard@127.0.0.1 true >/dev/null 2>&1 && echo in || echo out";
  expect(await host.sh(login)).toBe("out");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  expect((await host.deliver(everybody)).code).toBe(0);
  expect(await host.sh(login)).toBe("in");
  await host.sh("rm -r /home/wizard/.ssh; loginctl terminate-user wizard; systemctl start user@7001");
  expect(await host.sh(facts)).toBe(before);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a host stops, names them and writes nothing when more people would go than it allows", async () => {
  const left = [wizard, emo].map((p) => ({ ...p, state: "left" as const }));
  const before = await host.sh("cat /etc/ttyd-user-map");
  const said = await host.apply(maps([...left, anca]));
  expect(said.code).toBe(2);
  expect(said.err.join("\n")).toContain("2 of 3 users would lose access to this host: wizard, emo");
  expect(said.err.join("\n")).toContain("confirmLeave: [wizard, emo]");
  expect(await host.sh("cat /etc/ttyd-user-map")).toBe(before);
  const unasked = await host.apply(account({ ...emo, state: "left" }));
  expect(unasked.err.join("\n")).toContain("not listed as left in the maps part");
  expect((await host.workstation("settle")).code).toBe(1);
  await host.apply(account(emo));
  expect((await host.workstation("settle")).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("the hourly run waits while a hold file is there, and cuts nobody from an old state", async () => {
  await host.sh("echo 'moving disks' > /var/lib/workstation/hold; rm /etc/ttyd-user-map");
  expect((await host.workstation("reconcile")).out).toEqual([
    "on hold, nothing was changed: moving disks; remove /var/lib/workstation/hold to resume",
  ]);
  await host.sh("rm /var/lib/workstation/hold");
  expect((await host.workstation("reconcile")).out).toEqual(["host: wrote /etc/ttyd-user-map"]);
  await host.apply(maps([wizard, { ...emo, state: "left" }, anca]));
  await host.sh(
    `sed -i 's/"state":"present"/"state":"left"/' /var/lib/workstation/parts/account.emo.json; echo '{"atMs":1000}' > /var/lib/workstation/delivered.json`,
  );
  const said = await host.workstation("reconcile");
  expect(said.code).toBe(1);
  expect(said.err.join("\n")).toContain("emo is not offboarded: the last delivery is older than 24 h");
  expect((await host.deliver(everybody)).code).toBe(0);
});

test("a delivery to a host that holds an older version of anything fails, names it and does not renew the age", async () => {
  const parts = [base(), maps(everybody), ...everybody.flatMap((who) => [account(who), clones(who), units(who)])];
  const digests = Object.fromEntries(
    parts.map((part) => ["osUser" in part ? `${part.kind}.${part.osUser}` : part.kind, digestOf(part)]),
  );
  const agent = await host.sh("sha256sum /usr/lib/workstation/agent.mjs | cut -d' ' -f1");
  const settle = () => host.workstation("settle --delivered", JSON.stringify({ agent, ...digests }));
  const age = "cat /var/lib/workstation/delivered.json";
  expect(await settle()).toMatchObject({ code: 0, err: [] });
  const before = await host.sh(age);
  await host.put([units({ ...emo, claudeAuth: false })]);
  await host.sh("rm /var/lib/workstation/parts/clones.anca.json");
  const said = await settle();
  expect([said.code, said.out, said.err.join("\n"), await host.sh(age)]).toEqual([
    1,
    [],
    expect.stringContaining("it holds another version of units.emo and does not hold clones.anca"),
    before,
  ]);
  expect((await host.deliver(everybody)).code).toBe(0);
  expect(await settle()).toMatchObject({ code: 0, err: [] });
});

test("an account that was here before is reported and left alone, or taken over as it is", async () => {
  await host.sh("useradd -u 7010 -m -s /bin/bash -G audio old && echo mine > /home/old/mine && chmod 755 /home/old");
  const before = await host.sh("getent passwd old; id -nG old; stat -c %a /home/old");
  await host.apply(maps([...everybody, old]));
  const said = await host.apply(account(old));
  expect(said.err.join("\n")).toContain(
    "an account old (uid 7010) exists on this host, but is unmanaged; it was left unchanged",
  );
  expect((await host.workstation("settle")).code).toBe(1);
  const taken = await host.deliver([...everybody, { ...old, adopt: true }]);
  expect([taken.code, taken.err.join("\n")]).toEqual([
    0,
    expect.stringContaining("old: warning: /home/old (mode 0755) is open to all users of this host"),
  ]);
  expect(await host.sh("getent passwd old; id -nG old; stat -c %a /home/old")).toBe(before);
  expect(await host.sh("cat /home/old/mine")).toBe("mine");
  expect((await host.apply({ ...account({ ...old, adopt: true }), closeHome: true })).out).toEqual([
    "old: set /home/old to mode 0700, it was mode 0755",
  ]);
  expect(await host.sh("stat -c '%a %U' /home/old")).toBe("700 old");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("whatever contradicts what this host has given is refused by name, and everybody else goes on", async () => {
  await host.sh("groupadd -g 7050 taken; useradd -u 7051 -M somebody");
  const wrong = [
    [{ ...emo, uid: 7099 }, "this host's ledger assigns uid 7002 to emo, but 7099 was delivered"],
    [{ osUser: "thief", uid: 7003 }, "uid 7003 is assigned to anca in this host's ledger"],
    [{ osUser: "other", uid: 7051 }, "uid 7051 belongs to the account somebody"],
    [{ osUser: "taken", uid: 7052 }, "a group taken (gid 7050) exists on this host"],
  ] as const;
  for (const [who, why] of wrong) expect((await host.apply(account(who))).err.join("\n")).toContain(why);
  const settled = await host.workstation("settle");
  expect(settled.code).toBe(1);
  expect(settled.err.at(-1)).toContain("4 of this host's users failed: emo, other, taken, thief");
  await host.apply(account(emo));
  await host.sh(
    "cd /var/lib/workstation; rm -f parts/account.{thief,other,taken}.json failures/*.json".replace(
      "{thief,other,taken}",
      "thief.json parts/account.other.json parts/account.taken",
    ),
  );
  expect((await host.workstation("reconcile")).out).toEqual(["nothing to change"]);
});

test("a part that is damaged, of another contract or about somebody else changes nothing", async () => {
  const good = JSON.stringify(account(emo));
  const refused = [
    ["account emo", good.slice(0, 40), "is not valid JSON"],
    ["account emo", good.replace('"contract":1', '"contract":2'), "has contract version 2, but this agent supports 1"],
    ["account anca", good, "contains account emo"],
    ["account emo", good.replace("/bin/zsh", "zsh; reboot"), "shell"],
    ["base host", JSON.stringify(base()).replace('"host":"host"', '"host":"other"'), "contains base other"],
  ] as const;
  for (const [name, text, why] of refused) {
    const said = await host.workstation(`apply ${name}`, text);
    expect([said.code, said.err.join("\n")]).toEqual([2, expect.stringContaining(why)]);
  }
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("broken managed settings are refused, the deployed ones stay, and the rest of the host goes on", async () => {
  const before = await host.sh("cat /etc/claude-code/managed-settings.json");
  expect(JSON.parse(before)).toMatchObject({ claudeMd: "Be kind to each other.\n", cleanupPeriodDays: 3650 });
  const said = await host.apply(base({ managedSettings: "{oops", guidance: "New." }));
  expect([said.code, said.err]).toEqual([1, ["host: the delivered managed settings is not valid JSON"]]);
  expect(await host.sh("cat /etc/claude-code/managed-settings.json")).toBe(before);
  expect((await host.apply(base())).out).toEqual(["host: nothing to change"]);
});

const ROOT_GROUPS = ["docker", "sudo"];
const una: Somebody = { osUser: "una", uid: 7020, groups: ROOT_GROUPS };
const ona: Somebody = { osUser: "ona", uid: 7020, formerNames: ["una"] };
const uma: Somebody = { osUser: "uma", uid: 7020, formerNames: ["ona", "una"] };
const ula: Somebody = { osUser: "ula", uid: 7020, formerNames: ["uma", "ona", "una"], state: "left" };

/** A delivery in which nobody else's part changes. */
async function deliverOne(who: Somebody) {
  const said = [await host.apply(maps([...everybody, { ...old, adopt: true }, who]))];
  for (const part of [account, clones, units]) said.push(await host.apply(part(who)));
  said.push(await host.workstation("settle"));
  return { code: Math.max(...said.map(({ code }) => code)), out: said.flatMap(({ out }) => out) };
}

test("a demotion in the same change as a rename takes root at once, and ends the sessions that hold it", async () => {
  await host.apply(base());
  expect((await deliverOne(una)).code).toBe(0);
  await host.sh("systemctl restart t3-serve@una");
  const changed = await deliverOne(ona);
  expect(changed.out).toEqual(
    expect.arrayContaining([
      "ona: removed from group docker",
      "ona: removed from group sudo",
      expect.stringMatching(/^ona: ended their sessions and processes, \d+ of which held docker, sudo$/),
      "ona: renamed account una to ona",
    ]),
  );
  expect([changed.code, await host.sh("id -nG ona; sudo -l -U ona | grep -c 'is not allowed'")]).toEqual([0, "ona\n1"]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("work that holds no taken group goes on under the former name, without root, until its person is parked", async () => {
  expect((await host.apply(account({ ...ona, groups: ROOT_GROUPS }))).out).toContain("ona: added to group sudo");
  await host.sh(
    "systemd-run --quiet --unit=ona-work --slice=user-7020.slice " +
      "setpriv --reuid 7020 --regid 7020 --clear-groups sleep 10000",
  );
  const parked: Somebody = { ...uma, state: "parked" };
  await host.apply(maps([...everybody, { ...old, adopt: true }, parked]));
  const demoted = await host.apply(account(uma));
  expect(demoted.out).toEqual(
    expect.arrayContaining(["uma: removed from group docker", "uma: removed from group sudo"]),
  );
  expect([...demoted.out, ...demoted.err].join("\n")).toMatch(
    /ona is to be renamed to uma, but is in use \(ona-work\.service\).*are taken from ona/,
  );
  expect(await host.sh("id -nG ona; sudo -l -U ona | grep -c 'is not allowed'; systemctl is-active ona-work")).toBe(
    "ona\n1\nactive",
  );
  const ended = await host.apply(units(parked));
  expect(ended.out).toContain("uma: ended all sessions and processes");
  expect((await host.apply(account(uma))).out).toContain("uma: renamed account ona to uma");
  expect(await host.sh("id -nG uma; ps -U 7020 -o comm= | wc -l")).toBe("uma\n0");
  expect((await deliverOne(uma)).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("who leaves under a new name is offboarded in the same run, with a session open", async () => {
  await host.sh(
    "install -d -m 700 -o uma -g uma /home/uma/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/u; " +
      "install -m 600 -o uma -g uma /root/u.pub /home/uma/.ssh/authorized_keys; systemd-run --quiet --unit=session-of-uma " +
      "ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/u uma@127.0.0.1 sleep 10000; " +
      "for i in $(seq 50); do pgrep -u uma -x sleep >/dev/null && exit 0; sleep 0.2; done; exit 1",
  );
  const gone = await deliverOne(ula);
  expect([gone.code, gone.out]).toEqual([0, expect.arrayContaining(["ula: renamed account uma to ula"])]);
  expect(await host.sh("getent shadow ula | cut -d: -f8; ps -U 7020 -o comm= | wc -l")).toBe("1\n0");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});
