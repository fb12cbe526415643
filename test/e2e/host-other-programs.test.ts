/** A host that others have touched: mounts, packet filters, password policies and units; each story ends with a run that changes nothing. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestHost, type TestHost } from "./host/host.ts";
import { base, portsOf, type Somebody, units } from "./host/parts.ts";

const ana: Somebody = { osUser: "ana", uid: 7801, layout: "untouched" };
const bob: Somebody = { osUser: "bob", uid: 7802, layout: "untouched" };
const nothing = { code: 0, out: ["nothing to change"] };

let host: TestHost;
afterAll(() => host.vm.stop());
beforeAll(async () => {
  host = await startTestHost("others", 8);
});

test("a host without any delivery has nothing to do, and its unit does not fail", async () => {
  expect(await host.workstation("reconcile")).toEqual({
    code: 0,
    out: ["nothing has been delivered to this host yet: nothing to do"],
    err: [],
  });
  expect((await host.deliver([ana, bob])).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a home that is not mounted is its person's failure, nothing is made in its place, and the others converge", async () => {
  await host.sh("systemctl stop t3-serve@ana browser-serve@ana; mv /home/ana /srv/ana; rm /home/bob/start-claude.sh");
  const missing = await host.workstation("reconcile");
  expect([missing.code, missing.out]).toEqual([1, ["bob: wrote ~/start-claude.sh"]]);
  expect(missing.err.join("\n")).toContain(
    "failed: ana: account: /home/ana is missing, but ana had a home here before",
  );
  expect(missing.err.join("\n")).toContain("failed: ana: units: /home/ana is missing, so no service was started");
  expect(await host.sh("ls /home; mkdir /home/ana")).toBe("bob");
  expect((await host.workstation("reconcile")).err.join("\n")).toContain(
    "ana: account: /home/ana belongs to root, but",
  );
  expect(await host.sh("stat -c %U /home/ana; rmdir /home/ana; mv /srv/ana /home/ana")).toBe("root");
  await host.converge();
});

/** Mounts what never answers: the kernel waits for a first message that is never written. */
const HANG = `use POSIX; my $fd = POSIX::open("/dev/fuse", O_RDWR) // die "open: $!";
my ($s, $t, $f, $o) = ("hung", $ARGV[0], "fuse", "fd=$fd,rootmode=40000,user_id=0,group_id=0");
syscall(165, $s, $t, $f, 0, $o) == 0 or die "mount: $!"; sleep 1000;`;

test("a mount that never answers in the place of a home keeps nobody else waiting", async () => {
  await host.sh("[ -e /dev/fuse ] || mknod /dev/fuse c 10 229; cat > /srv/hang.pl", { input: HANG });
  await host.sh("systemctl stop t3-serve@ana browser-serve@ana; rm /home/bob/start-claude.sh");
  await host.sh(
    "systemd-run --quiet --unit=hang -p MountFlags=shared perl /srv/hang.pl /home/ana; sleep 1; grep -c ' fuse ' /proc/self/mountinfo",
  );
  const began = performance.now();
  const said = await host.workstation("reconcile");
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(said.out).toContain("bob: wrote ~/start-claude.sh");
  expect(said.err.join("\n")).toContain(
    "failed: ana: account: /home/ana is on a file system (fuse at /home/ana) that does not answer",
  );
  await host.sh("systemctl stop hang; umount --lazy /home/ana; true");
  await host.converge();
});

test("other programs that flush nftables take the filter of the ports away from nobody", async () => {
  const filter = "nft list table inet workstation | grep -c guests || true";
  await host.sh("systemctl start t3-serve@ana; sleep 0.5");
  const asBob = `setpriv --reuid bob --clear-groups curl -s -m 3 -o /dev/null http://127.0.0.1:${portsOf(ana).t3}/ && echo in || echo out`;
  // The distribution's own service, synchronously: there is no moment after it without the filter.
  for (const verb of ["start", "reload", "restart", "stop"])
    expect([verb, await host.sh(`systemctl ${verb} nftables; ${filter}; ${asBob}`)]).toEqual([verb, "2\nout"]);
  // Any program, by whatever means.
  for (const flush of [
    "nft flush ruleset",
    "nft delete table inet workstation",
    "nft flush chain inet workstation output",
  ])
    expect([flush, await host.sh(`${flush}; sleep 1; ${filter}; ${asBob}`)]).toEqual([flush, "2\nout"]);
  const applied = "journalctl --unit workstation-ports-watch --output cat | grep -c 'applied it again'";
  const before = await host.sh(applied);
  expect(Number(before)).toBeGreaterThanOrEqual(3);
  // Tables of others come and go, as Docker, firewalld and fail2ban make them.
  await host.sh(
    "nft add table inet firewalld; nft add chain inet firewalld x; nft delete table inet firewalld; sleep 0.5",
  );
  expect(await host.sh(applied)).toBe(before);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("with nftables.service enabled the filter is there after a boot", async () => {
  await host.sh("systemctl enable --quiet nftables");
  await host.vm.reboot();
  expect(
    await host.sh(
      "nft list table inet workstation | grep -c guests; systemctl is-active nftables workstation-ports-watch",
    ),
  ).toBe("2\nactive\nactive");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("an account with a locked password does not age: PAM would refuse its sessions and its service manager", async () => {
  await host.sh("chage --lastday 2020-01-01 --maxdays 30 --inactive 5 bob; systemctl stop user@7802");
  // Systemd takes most of a minute to tell it where the machine is busy.
  const start = "systemctl start user@7802 2>/dev/null && echo in || systemctl is-failed user@7802";
  expect(await host.sh(start, { timeoutMs: 200_000 })).toBe("failed");
  expect((await host.workstation("reconcile")).out).toEqual([
    "bob: disabled password ageing, since the password is locked",
    "bob: started the user manager",
  ]);
  expect(await host.sh("systemctl is-active user@7802; getent shadow bob | cut -d: -f5,7")).toBe("active\n:");
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a unit that ends with another status when it is stopped does not stay failed", async () => {
  const t3 = ["/bin/sh", "-c", "trap 'exit 130' TERM; sleep infinity & wait"];
  await host.apply(base({ commands: { t3, browser: ["/usr/bin/sleep", "infinity"], credentialSync: ["/bin/true"] } }));
  await host.sh("systemctl restart t3-serve@bob; sleep 0.5");
  await host.apply(units({ ...bob, state: "parked" }));
  expect(await host.sh("systemctl is-active t3-serve@bob || true")).toBe("inactive");
  await host.sh(
    "systemctl start t3-serve@bob; sleep 0.5; systemctl stop t3-serve@bob; systemctl is-failed t3-serve@bob",
  );
  expect((await host.workstation("reconcile")).out).toEqual([
    "bob: reset the failed state of t3-serve@bob.service, which is meant to be stopped",
  ]);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  await host.apply(units(bob));
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("a service that refuses to stop is killed before the run gives up, and its person is parked", async () => {
  const t3 = ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"];
  await host.apply(base({ commands: { t3, browser: ["/usr/bin/sleep", "infinity"], credentialSync: ["/bin/true"] } }));
  await host.sh("systemctl restart t3-serve@bob; sleep 0.5");
  const { out } = await host.apply(units({ ...bob, state: "parked" }));
  expect(out).toContain("bob: stopped t3-serve@bob.service, disabled");
  expect(await host.sh("systemctl is-active t3-serve@bob || true")).toBe("inactive");
  await host.apply(base());
  await host.apply(units(bob));
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
});

test("limits that a drop-in with a later name changes are named, and status and its exit code say so", async () => {
  const dropIn = "/etc/systemd/system/user-.slice.d/90-other.conf";
  await host.sh(
    `mkdir -p ${dropIn.replace(/\/[^/]*$/, "")}; printf '[Slice]\nMemoryMax=1G\n' > ${dropIn}; systemctl daemon-reload`,
  );
  const limited = `systemd has for user-7801.slice MemoryMax=1073741824, expected 4G \\(set in ${dropIn}\\)`;
  const said = await host.workstation("reconcile");
  expect([said.code, said.out]).toEqual([1, []]);
  expect(said.err.join("\n")).toMatch(new RegExp(`failed: ana: units: ${limited}`));
  const status = await host.workstation("status");
  expect([status.code, status.out.join("\n")]).toEqual([1, expect.stringMatching(`FAILED units: ${limited}`)]);
  await host.sh(`rm ${dropIn}; systemctl daemon-reload`);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  expect((await host.workstation("status")).code).toBe(0);
});

test("what is wrong with the host or a person since the last run is in status, and makes its exit code 1", async () => {
  await host.sh(
    "systemd-run --quiet --unit=of-ana --uid=ana false; chage --lastday 0 bob; systemctl stop workstation-ports-watch; nft delete table inet workstation; sleep 0.5",
  );
  const { code, out } = await host.workstation("status");
  expect(code).toBe(1);
  expect(out.join("\n")).toMatch(/^ana .*PROBLEM of-ana.service is failed$/m);
  expect(out.join("\n")).toMatch(/^bob .*PROBLEM the locked password ages, so PAM will refuse their sessions$/m);
  expect(out.at(-1)).toBe("PROBLEM the packet filter of the users' ports is not loaded; run: workstation reconcile");
  await host.sh("systemctl reset-failed of-ana");
  expect((await host.workstation("reconcile")).code).toBe(0);
  expect(await host.workstation("reconcile")).toMatchObject(nothing);
  expect((await host.workstation("status")).code).toBe(0);
});

test("a new person's first zsh starts without questions and takes their first input", async () => {
  const typed = "printf 'echo got-$((40+2))\\nexit\\n'";
  const shell = "runuser -u bob -- env -C /home/bob HOME=/home/bob TERM=xterm zsh -i";
  expect(await host.sh(`(sleep 1; ${typed}; sleep 1) | script -qec '${shell}' /dev/null`)).toContain("got-42");
});
