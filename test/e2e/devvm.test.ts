/** The lab's DevVM is a real systemd host: booted, reached by SSH, booted again, made new, and gone without a trace. Needs root. */
import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DevVm, findDevVm, startDevVm } from "../../lab/devvm/index.ts";
import { type Instance, instanceName, mountPoints, openInstance } from "../../lab/instance.ts";
import { LabError } from "../../lab/lab-error.ts";
import { isAlive, lookUp, signal } from "../../lab/process/identity.ts";
import { readRecord } from "../../lab/process/record.ts";
import { killUnrecorded, stopServer } from "../../lab/process/stop.ts";
import { run } from "../../lab/run.ts";

// A machine of its own: the others' tests may count on what their DevVM holds.
const NAME = "probe";
const INDEX = 9;

let lab: Instance;
let vm: DevVm;
beforeAll(async () => {
  lab = await openInstance(instanceName({ WS_LAB: "test", ...process.env }));
  vm = await startDevVm(lab, NAME, INDEX);
  await vm.reset();
});
afterAll(async () => {
  await vm.remove();
});

const said = async (...asked: Parameters<DevVm["ssh"]>): Promise<string> => (await vm.ssh(...asked)).stdout.trim();

test("systemd reports the machine as running, with nothing failed", async () => {
  expect(await said("systemctl is-system-running; systemctl list-units --failed --plain --no-legend")).toBe("running");
});

test("a word with spaces, quotes and a newline arrives on the machine as it was", async () => {
  const word = 'it\'s "one" $word\n* ';
  expect((await vm.ssh(["printf", "%s", word])).stdout).toBe(word);
});

test("what is written to standard input arrives", async () => {
  expect(await said("wc -c", { input: "x".repeat(100_000) })).toBe("100000");
});

test("a command that fails tells who, where and why, and nothing of how ssh was called", async () => {
  const failure = await vm.ssh("echo no such thing >&2; exit 3").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LabError);
  expect(String(failure)).toContain(`root at ${vm.address}: ended with exit code 3`);
  expect(String(failure)).toContain("no such thing");
  expect(String(failure)).not.toContain("StrictHostKeyChecking");
});

test("it is reached from inside the lab's namespace too", async () => {
  const { stdout } = await run(lab.inside(["ssh-keyscan", "-t", "ed25519", vm.address]));
  expect(stdout).toContain(vm.hostKey);
});

test("a client that knows another host key is turned away", async () => {
  const { stderr } = await run(
    ["ssh", "-F", "none", "-i", vm.privateKeyPath, "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"].concat([
      ...["-o", "UserKnownHostsFile=/dev/null", `root@${vm.address}`, "true"],
    ]) as [string, ...string[]],
    { accept: [255] },
  );
  expect(stderr).toContain("Host key verification failed");
});

test("sshd takes keys alone, and thirty sessions that begin at once", async () => {
  const effective = await said("sshd -T");
  expect(effective).toContain("passwordauthentication no");
  expect(effective).toContain("kbdinteractiveauthentication no");
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => said(`echo ${i}`)));
  expect(answers).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
});

test("somebody's session is their own: home, environment, runtime folder and slice", async () => {
  await vm.ssh("useradd --create-home --shell /bin/zsh probe-user");
  const uid = await said("id -u probe-user");
  const session = await said('echo "$PWD $HOME $USER $XDG_RUNTIME_DIR"; sed -n s/^0:://p /proc/self/cgroup', {
    as: "probe-user",
  });
  expect(session).toMatch(
    new RegExp(`^/home/probe-user /home/probe-user probe-user /run/user/${uid}\\n/user.slice/user-${uid}.slice/`),
  );
});

test("what somebody leaves running outlives their session's command", async () => {
  await vm.ssh("tmux new-session -d -s left 'sleep 600'", { as: "probe-user" });
  expect(await said("tmux list-sessions -F '#{session_name}'", { as: "probe-user" })).toBe("left");
});

test("a person's own service manager runs without a login once linger is on", async () => {
  await vm.ssh("useradd --create-home lingerer && loginctl enable-linger lingerer");
  const uid = await said("id -u lingerer");
  await vm.ssh(`for _ in $(seq 50); do systemctl is-active --quiet user@${uid} && exit; sleep 0.1; done; exit 1`);
  expect(await said("systemctl --user is-system-running", { as: "lingerer" })).toBe("running");
});

test("the packet filter keeps a port for its person", async () => {
  await vm.ssh("id guest >/dev/null 2>&1 || useradd --create-home guest");
  await vm.ssh("nft -f -", {
    input: `table inet probe {
      set owners { type inet_service . uid; elements = { 4999 . 0 } }
      chain out {
        type filter hook output priority 0;
        oif lo tcp dport 4999 ct state new meta skuid != 0 reject with tcp reset
        tcp dport . meta skuid @owners accept
      }
    }`,
  });
  await vm.ssh("systemd-run --unit=probe-port -p Environment=T3_PORT=4999 /usr/local/bin/t3-stub");
  const ask = "curl --silent --retry 5 --retry-connrefused --retry-delay 1 http://127.0.0.1:4999/";
  expect(JSON.parse(await said(ask))).toMatchObject({ service: "t3-stub", user: "root", uid: 0, port: 4999 });
  expect((await vm.ssh("curl --silent http://127.0.0.1:4999/", { as: "guest", accept: [7] })).code).toBe(7);
  await vm.ssh("systemctl stop probe-port; nft delete table inet probe");
});

test("what systemd is told of a person's limits is what it says back", async () => {
  await vm.ssh("systemctl set-property --runtime user-4711.slice MemoryMax=64M TasksMax=50");
  expect(await said("systemctl show user-4711.slice -p MemoryMax,TasksMax --value | sort -n | xargs")).toBe(
    "50 67108864",
  );
});

test("the groups that the world brings are there, and the tools that the agent needs", async () => {
  const groups = await said("getent group docker code-shared sudo | cut -d: -f1 | sort | xargs");
  expect(groups).toBe("code-shared docker sudo");
  const tools = "git git-crypt tmux zsh sudo node nft ip setfacl setfattr setpriv crontab at curl visudo strace chattr";
  expect(await said(`for tool in ${tools}; do command -v $tool; done | wc -l`)).toBe(String(tools.split(" ").length));
  expect(await said("node --version")).toMatch(/^v18\./);
});

test("files survive a reboot that is asked for from outside", async () => {
  const before = await vm.pid();
  await vm.ssh("echo kept > /root/probe-file; mkdir -m 0700 /home/probe-dir");
  await vm.reboot();
  expect(await said("cat /root/probe-file; stat -c %a /home/probe-dir")).toBe("kept\n700");
  expect(await vm.pid()).not.toBe(before);
});

test("files and the address survive a reboot that is asked for from inside", async () => {
  const before = await said("cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic");
  await vm.ssh("echo inside > /root/probe-file; systemctl reboot", { accept: [0, 255] });
  await vm.start();
  expect(await said("cat /root/probe-file")).toBe("inside");
  expect(await said("cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic")).not.toBe(
    before,
  );
});

test("a reset forgets every file and account, and keeps the host key", async () => {
  await vm.ssh("touch /root/probe-file; id probe-user");
  await vm.reset();
  expect(await said("ls /root; getent passwd probe-user lingerer guest | wc -l")).toBe("0");
  expect((await findDevVm(lab, NAME)).hostKey).toBe(vm.hostKey);
});

test("a machine that runs as asked is left as it is", async () => {
  const before = await vm.pid();
  await startDevVm(lab, NAME, INDEX);
  expect(await vm.pid()).toBe(before);
});

test("two machines of one lab do not see each other's files or processes", async () => {
  const other = await startDevVm(lab, "probe2", INDEX + 1);
  try {
    await other.ssh("echo other > /root/of-the-other; systemd-run --unit=of-the-other sleep 600");
    expect(await said("ls /root; systemctl list-units --plain --no-legend 'of-the-other*'")).toBe("");
    expect((await other.ssh("systemctl is-active of-the-other")).stdout.trim()).toBe("active");
    expect(other.hostKey).not.toBe(vm.hostKey);
  } finally {
    await other.remove();
  }
});

test("a machine that is killed is ended as a whole, leaves no mount, and boots again with its files", async () => {
  await vm.ssh("echo kept > /root/probe-file; sync");
  const init = await lookUp(await vm.pid());
  const server = await readRecord(lab, NAME);
  if (init === undefined || server === undefined) throw new Error("the machine should run");
  await signal(server, "SIGKILL", true);
  await stopServer(lab, NAME);
  await killUnrecorded(lab, NAME);
  expect(await isAlive(init)).toBe(false);
  expect((await mountPoints()).filter((point) => point.startsWith(lab.path("devvm")))).toEqual([]);
  await vm.start();
  expect(await said("cat /root/probe-file")).toBe("kept");
});

test("an init whose parent was killed is ended before the machine boots again", async () => {
  const init = await lookUp(await vm.pid());
  const server = await readRecord(lab, NAME);
  if (init === undefined || server === undefined) throw new Error("the machine should run");
  await signal(server, "SIGKILL", true);
  await vm.start();
  expect(await isAlive(init)).toBe(false);
  expect(await said("systemctl is-system-running")).toBe("running");
});

test("a machine that was removed leaves nothing of its own on the host", async () => {
  const gone = await startDevVm(lab, "probe2", INDEX + 1);
  const pid = await gone.pid();
  const traces = async () => [
    ...(await readdir("/proc")).filter((entry) => entry === String(pid)),
    ...(await allEntries(["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"])).filter(isOfProbe2),
    ...(await allEntries(["/run/systemd/nspawn/propagate", lab.path("devvm"), lab.path("facts")])).filter(isOfProbe2),
  ];
  expect((await traces()).length).toBeGreaterThan(3);
  await gone.remove();
  expect(await traces()).toEqual([]);
});

const isOfProbe2 = (entry: string): boolean => entry.includes("probe2");
const allEntries = async (dirs: readonly string[]): Promise<string[]> =>
  (await Promise.all(dirs.map((dir) => readdir(dir).catch(() => [])))).flat();
