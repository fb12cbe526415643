/** Faults of the host itself: full disks, damaged memory, units that will not start, files that cannot be changed, races. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { clones, maps, type Somebody } from "./host/parts.ts";

const ana: Somebody = { osUser: "ana", uid: 7701 };
const bob: Somebody = { osUser: "bob", uid: 7702 };
const people = [ana, bob];
const nothing = { code: 0, out: ["nothing to change"] };

let host: TestHost;
beforeAll(async () => {
  host = await startTestHost("faults", 6);
  expect((await host.deliver(people)).code).toBe(0);
});
afterAll(() => host.vm.stop());

test("a disk that is full while a map is written leaves the old map whole, and the next run heals", async () => {
  const before = await host.sh(
    "cp -a /etc/t3-serve /srv/kept; mount -t tmpfs -o size=16k,mode=755 none /etc/t3-serve; cp -a /srv/kept/. /etc/t3-serve/; cat /etc/t3-serve/dispatch.json",
  );
  const big = { path: "/etc/t3-serve/dispatch.json", text: `${JSON.stringify({ x: "y".repeat(50_000) })}\n` };
  const said = await host.apply(maps(people, { files: [big] }));
  expect(said.code).toBe(1);
  expect(said.err.join("\n")).toContain("ENOSPC");
  expect(await host.sh("cat /etc/t3-serve/dispatch.json; ls -A /etc/t3-serve")).toBe(
    `${before}\nana.env\nbob.env\ndispatch.json`,
  );
  await host.sh("umount /etc/t3-serve");
  expect((await host.apply(maps(people))).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a home without room is its person's failure, what they had stays, and the others converge", async () => {
  await host.sh(
    "systemctl stop t3-serve@ana browser-serve@ana; mount -t tmpfs -o size=32k,mode=700,uid=7701,gid=7701 none /home/ana; echo old > /home/ana/start-claude.sh; chown ana: /home/ana/start-claude.sh; head -c 30000 /dev/zero > /home/ana/full; rm /home/bob/start-claude.sh",
  );
  const said = await host.workstation("reconcile");
  expect(said.code).toBe(1);
  expect(said.out).toContain("bob: wrote ~/start-claude.sh");
  expect(
    said.err.filter((line) => line.startsWith("failed:")).every((line) => line.startsWith("failed: ana: clones:")),
  ).toBe(true);
  expect(await host.sh("cat /home/ana/start-claude.sh; ls -A /home/ana | grep -c workstation; true")).toBe("old\n0");
  await host.sh("umount -l /home/ana");
  await host.workstation("reconcile");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a home without room for one more name is the same", async () => {
  await host.sh(
    "systemctl stop t3-serve@ana browser-serve@ana; mount -t tmpfs -o nr_inodes=3,mode=700,uid=7701,gid=7701 none /home/ana; echo old > /home/ana/start-claude.sh; chown ana: /home/ana/start-claude.sh; touch /home/ana/x; rm /home/bob/start-claude.sh",
  );
  const said = await host.workstation("reconcile");
  expect(said.code).toBe(1);
  expect(said.out).toContain("bob: wrote ~/start-claude.sh");
  expect(said.err.join("\n")).toMatch(/failed: ana: clones: .*(ENOSPC|No space left)/);
  expect(await host.sh("cat /home/ana/start-claude.sh; ls -A /home/ana | tr '\\n' ' '")).toBe("old\nstart-claude.sh x");
  await host.sh("umount -l /home/ana");
  await host.converge();
});

test("on a disk that has become read-only nothing is half done, the reason is told, and the next run heals", async () => {
  await host.sh("rm /etc/ttyd-user-map");
  const said = await host.sh(
    "systemd-run --quiet --pipe --wait -p ProtectSystem=strict -p ReadWritePaths=/run /usr/local/sbin/workstation reconcile 2>&1; echo $?; ls -A /etc | grep -c workstation-; true",
  );
  expect(said).toMatch(/EROFS|[Rr]ead-only file system/);
  expect(said).toMatch(/\n[1-9]\d*\n0$/);
  expect((await host.workstation("reconcile")).out).toContain("host: wrote /etc/ttyd-user-map");
  await host.converge();
});

test("while logind does not answer, everybody who needs nothing of it is converged, and the run ends", async () => {
  const said = await host.sh(
    "rm /home/bob/start-claude.sh /etc/ttyd-user-map; systemctl kill -s STOP systemd-logind; s=$(date +%s); workstation reconcile; echo $(( $(date +%s) - s < 60 )); systemctl kill -s CONT systemd-logind",
    { timeoutMs: 120_000 },
  );
  expect(said.split("\n").sort()).toEqual(["1", "bob: wrote ~/start-claude.sh", "host: wrote /etc/ttyd-user-map"]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a new agent is everybody's: the delivery that brings it is over when it has converged them all", async () => {
  await host.sh(`cd /usr/lib; cp workstation/agent.mjs .workstation-agent-incoming.mjs; echo '// another' >> .workstation-agent-incoming.mjs
node .workstation-agent-incoming.mjs install --sha256 $(sha256sum .workstation-agent-incoming.mjs | cut -d' ' -f1); rm /home/ana/start-claude.sh /home/bob/start-claude.sh /etc/t3-serve/bob.env`);
  const said = await host.workstation("settle");
  expect([said.code, [...said.out].sort()]).toEqual([
    0,
    [
      "ana: wrote ~/start-claude.sh",
      "bob: set the ports in /etc/t3-serve/bob.env, other lines unchanged",
      "bob: wrote ~/start-claude.sh",
      "delivery complete: every user is in the delivered state",
    ],
  ]);
  expect((await host.workstation("settle")).out).toEqual(["delivery complete: every user is in the delivered state"]);
});

test("a file that its person cannot change, because an admin has nailed it down, is told by name", async () => {
  await host.sh(
    "echo mine > /home/ana/start-claude.sh; chattr +i /home/ana/start-claude.sh; rm /home/bob/start-claude.sh",
  );
  const said = await host.workstation("reconcile");
  await host.sh("chattr -i /home/ana/start-claude.sh");
  expect([said.code, said.out]).toEqual([1, ["bob: wrote ~/start-claude.sh"]]);
  expect(said.err.join("\n")).toMatch(/failed: ana: clones: launcher: EPERM/);
  await host.workstation("reconcile");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test.each([
  ["damaged", 'echo \'{"version":1,"people":{\' > $l', "ledger.json is not valid JSON"],
  ["of another form", 'echo \'{"version":1,"people":{"ana":{"uid":"x"}}}\' > $l', "ledger.json is damaged"],
  ["lost", "rm $l", "is unmanaged; it was left unchanged"],
])("a ledger that is %s gives nobody anything anew", async (_, script, why) => {
  const facts = "getent passwd ana bob; cat /etc/t3-serve/*.env; id ana";
  const before = await host.sh(facts);
  await host.sh(`l=/var/lib/workstation/ledger.json; cp $l /srv/ledger.json; ${script}`);
  const said = await host.workstation("reconcile");
  expect(said.code).toBe(1);
  for (const who of people) expect(said.err.join("\n")).toMatch(new RegExp(`failed: ${who.osUser}: account: .*${why}`));
  expect(await host.sh(facts)).toBe(before);
  await host.sh("cp /srv/ledger.json /var/lib/workstation/ledger.json");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a unit that will not start is its person's failure, and is tried again once its cause is gone", async () => {
  await host.sh(
    "systemctl stop t3-serve@ana; mkdir -p /etc/systemd/system/t3-serve@ana.service.d; printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' > /etc/systemd/system/t3-serve@ana.service.d/90-broken.conf; systemctl daemon-reload",
  );
  for (let hour = 0; hour < 2; hour += 1) {
    const said = await host.workstation("reconcile");
    expect(said.code).toBe(1);
    expect(said.err.join("\n")).toContain("failed: ana: units:");
    expect(said.err.join("\n")).not.toContain("failed: bob");
    await host.sh("for i in 1 2 3 4 5 6 7 8 9 10 11; do systemctl start t3-serve@ana; sleep 0.1; done; true");
  }
  await host.sh("rm /etc/systemd/system/t3-serve@ana.service.d/90-broken.conf; systemctl daemon-reload");
  expect((await host.workstation("reconcile")).out).toEqual(["ana: started t3-serve@ana.service, enabled"]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("without D-Bus root's own steps go on, and whoever could not be served is named", async () => {
  await host.sh("systemctl stop dbus.socket dbus.service; rm /etc/ttyd-user-map");
  const said = await host.workstation("reconcile");
  await host.sh("systemctl start dbus.socket dbus.service");
  expect(said.out).toContain("host: wrote /etc/ttyd-user-map");
  expect(said.code === 0 || said.err.some((line) => line.startsWith("failed: "))).toBe(true);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("whoever swaps ~/code for a link to /etc while it is migrated gets nothing changed outside, in 200 runs", async () => {
  await host.sh("mkdir -p /root/canary/directory; echo root > /root/canary/directory/config");
  // No remote answers, so that each run is short: it is the moving that is raced for.
  const nowhere = { origin: "http://127.0.0.1:9/x", forgejo: "http://127.0.0.1:9/x" };
  for (const who of people) {
    const part = { ...clones({ ...who, layout: "workspace", infra: nowhere }), kubeconfig: undefined };
    const task = JSON.stringify({ part, mode: "apply", launcher: "x\n", offline: true });
    await host.sh(`cat > /srv/task.${who.osUser}.json`, { input: task });
  }
  const canary =
    "find /etc /root /usr /var/lib -xdev -not -path '/var/lib/workstation*' -printf '%p %U %m %s %T@ %l\\n' | sort | sha256sum";
  const before = await host.sh(canary);
  const runs = `race() { p=$1 u=$2 home=/home/$1
swap='while(1){syscall(316,-100,"'$home'/code",-100,"'$home'/other",2)}'
as() { setpriv --reuid=$u --regid=$u --clear-groups --no-new-privs --reset-env "$@"; }
changed=0
for i in $(seq 100); do
  as rm -rf $home/code $home/other $home/.code.workstation-moving; as git init -q $home/code; as ln -s /etc $home/other
  as perl -e "$swap" & s=$!
  as timeout 20 node /usr/lib/workstation/worker.cjs < /srv/task.$p.json | grep -c changed >/dev/null && changed=$((changed+1))
  kill $s; wait $s 2>/dev/null
done; as rm -rf $home/code $home/other $home/.code.workstation-moving; echo "runs that moved something: $changed"; }
race ana 7701 & race bob 7702 & wait`;
  const said = await host.sh(runs, { timeoutMs: 1_200_000 });
  expect(said).toMatch(/^runs that moved something: [1-9]\d*\nruns that moved something: [1-9]\d*$/);
  expect(await host.sh(canary)).toBe(before);
}, 1_300_000);
