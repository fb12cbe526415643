/** The main job: roster.yaml becomes working people on a real host and a real API server, by the real engine. */

import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NAV_ROLE } from "../../components/cluster/rights.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { changed, everybody, withDora, without } from "./people/sample.ts";
import { freshStack, locksOf, type PeopleStack } from "./people/stack.ts";

let stack: PeopleStack;
beforeAll(async () => {
  stack = await freshStack();
});
afterAll(async () => {
  expect(await locksOf(stack.engine)).toEqual([]);
});

const said = ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) =>
  `exit code ${code}\n${stdout}\n${stderr}`;

/** Delivers, and shows the engine's whole output where it does not end well. */
async function delivered(...args: Parameters<PeopleStack["up"]>) {
  const ran = await stack.up(...args);
  if (ran.code !== 0) throw new Error(said(ran));
  return ran.stdout;
}

async function changesNothing(...args: Parameters<PeopleStack["up"]>) {
  const before = await stack.touched();
  const ran = await stack.up(...args);
  expect(await stack.touched()).toEqual(before);
  return ran;
}

const ANSWERS =
  'for p in 3773 3774 3775; do curl --silent --max-time 5 localhost:$p/ | grep -o \'"user":"[a-z]*"\'; done';

test("an object that somebody made under a name of the program's is refused by that name, before the first write", async () => {
  const byHand = ["clusterrole", NAV_ROLE];
  await stack.kubectl(["create", ...byHand, "--verb=get", "--resource=pods"]);
  await stack.prepare(everybody);
  const before = await stack.touched();
  const ran = await stack.engine.pulumi(["preview", ...stack.target], { accept: [1, 255] });
  expect(said(ran)).toContain(`ClusterRole ${NAV_ROLE} exists, and this stack did not make it: it is left as it is.`);
  expect(await stack.touched()).toEqual(before);
  await stack.kubectl(["delete", ...byHand]);
});

test("a first up makes accounts, clones and running units on the host", async () => {
  const output = await delivered(everybody);
  expect(output).toContain("ancamilea joins as namespace-owner on devvm, with uid 20000 and the ports 3773 and 8931");
  expect(await stack.sh("getent passwd ancamilea emo wizard | cut -d: -f1,3,6,7")).toEqual(
    [
      "ancamilea:20000:/home/ancamilea:/bin/zsh",
      "emo:20001:/home/emo:/bin/zsh",
      "wizard:20002:/home/wizard:/bin/zsh",
    ].join("\n"),
  );
  expect(await stack.sh(ANSWERS)).toBe(['"user":"ancamilea"', '"user":"emo"', '"user":"wizard"'].join("\n"));
  const clones =
    "stat --format '%n %U' /home/emo/code/.git /home/ancamilea/code/infra/.git /home/ancamilea/code/tripit/.git";
  expect(await stack.sh(clones)).toBe(
    [
      "/home/emo/code/.git emo",
      "/home/ancamilea/code/infra/.git ancamilea",
      "/home/ancamilea/code/tripit/.git ancamilea",
    ].join("\n"),
  );
  expect(await stack.sh("head -c 9 /home/emo/code/secrets/tokens.env | tail -c 8")).toBe("GITCRYPT");
});

test("the same up lets whoever has a login on the forge in there with a token of their own, which is nowhere else", async () => {
  expect(await stack.sh("stat --format '%a %U' /home/emo/.git-credentials; wc -l < /home/emo/.git-credentials")).toBe(
    "600 emo\n1",
  );
  const token = await stack.sh("sed 's/.*:\\([^@]*\\)@.*/\\1/' /home/emo/.git-credentials");
  expect(token).toMatch(/^[0-9a-f]{40}$/);
  expect(
    (await stack.vm.ssh("GIT_TERMINAL_PROMPT=0 git -C ~/code push --dry-run forgejo master 2>&1", { as: "emo" }))
      .stdout,
  ).toContain("up-to-date");
  expect(await stack.sh(`grep --recursive --files-with-matches ${token} /etc /var /run /home 2>/dev/null; true`)).toBe(
    "/home/emo/.git-credentials",
  );
  const state = await stack.engine.pulumi(["stack", "export", "--stack", stack.target[1] ?? ""]);
  expect(state.stdout).not.toContain(token);
});

test("the same up gives the namespace-owner her namespace and nobody else's", async () => {
  const may = async (...question: string[]) =>
    (await stack.kubectl(["auth", "can-i", ...question, "--as=ancaelena98@lab.example"], [0, 1])).stdout.trim();
  expect(await may("create", "pods", "--namespace=plotting-book")).toBe("yes");
  expect(await may("create", "pods", "--namespace=default")).toBe("no");
  expect(await may("get", "secrets", "--namespace=kube-system")).toBe("no");
  const quota = ["get", "resourcequota", "quota", "--namespace=plotting-book", "--output=jsonpath={.spec.hard.pods}"];
  expect((await stack.kubectl(quota)).stdout).toBe("20");
});

test("a second up changes nothing: no file, no unit, no write to the API server", async () => {
  const ran = await changesNothing(everybody);
  expect(said(ran)).toMatch(/exit code 0/);
  expect(ran.stdout).not.toMatch(/[+~-] \d+ (created|updated|deleted)/);
});

test("a row that is added makes one person and leaves the others as they are", async () => {
  const before = await stack.touchedOf("emo");
  const output = await delivered(withDora);
  expect(output).toContain("dora joins as power-user on devvm, with uid 20003 and the ports 3776 and 8934");
  expect(await stack.sh('curl --silent localhost:3776/ | grep -o \'"user":"dora"\'')).toBe('"user":"dora"');
  expect(await stack.touchedOf("emo")).toBe(before);
});

test("a parked row stops the person's units, and back again starts them", async () => {
  const states = "systemctl is-active t3-serve@emo.service; systemctl is-enabled t3-serve@emo.service; true";
  await delivered(changed(withDora, "emo", { parked: true }));
  expect(await stack.sh(states)).toBe("inactive\ndisabled");
  await delivered(withDora);
  expect(await stack.sh(states)).toBe("active\nenabled");
});

test("a row that is removed cuts every access and deletes nothing; put back, it is as it was", async () => {
  await stack.sh("echo mine > /home/dora/work && chown dora: /home/dora/work");
  const output = await delivered(everybody);
  expect(output).toContain("dora is offboarded");
  expect(await stack.sh("grep -c dora /etc/ttyd-user-map /etc/t3-serve/dispatch.json; true")).toBe(
    "/etc/ttyd-user-map:0\n/etc/t3-serve/dispatch.json:0",
  );
  expect(
    await stack.sh(
      "systemctl is-active t3-serve@dora.service; chage --list dora | grep 'Account expires'; cat /home/dora/work",
    ),
  ).toMatch(/^inactive\nAccount expires\s*: (?!never).*\nmine$/);
  const may = ["auth", "can-i", "list", "pods", "--all-namespaces", "--as=dora@lab.example"];
  expect((await stack.kubectl(may, [0, 1])).stdout.trim()).toBe("no");
  expect(await delivered(withDora)).toContain("dora returns");
  expect((await stack.kubectl(may)).stdout.trim()).toBe("yes");
  expect(
    await stack.sh("id --user dora; cat /home/dora/work; curl --silent localhost:3776/ | grep -o '\"uid\":[0-9]*'"),
  ).toBe('20003\nmine\n"uid":20003');
  expect((await changesNothing(withDora)).code).toBe(0);
});

test("an invalid roster changes nothing anywhere and tells every problem with its place", async () => {
  const broken =
    "users:\n  wizard:\n    authentik_user: vbarzin\n    k8s_user: wizard\n    teir: admin\n  sudo:\n    tier: boss\n";
  const ran = await changesNothing(broken);
  expect(ran.code).not.toBe(0);
  expect(said(ran)).toMatch(/roster\.yaml:5:5: .*teir.*did you mean "tier"/i);
  expect(said(ran)).toMatch(/roster\.yaml:6:3: .*sudo/);
  expect(said(ran)).not.toMatch(/\n\s+at /);
});

test("more people leaving than the limit stops before any change, with their names and the release", async () => {
  const ran = await changesNothing(without(withDora, "dora", "emo"));
  expect(ran.code).not.toBe(0);
  expect(said(ran)).toContain("confirmLeave to [dora, emo]");
});

test("addsOnly takes nothing from anybody", async () => {
  const ran = await stack.up(without(withDora, "dora", "emo"), [[["addsOnly"], true]]);
  expect(said(ran)).toMatch(/exit code 0/);
  expect(await stack.sh("cut -d= -f2 /etc/ttyd-user-map | grep -v '^#' | sort | tr '\\n' ' '")).toBe(
    "ancamilea dora emo wizard",
  );
  await delivered(withDora);
});

test("one person's failure is that person's: the others converge, the run is red and names them, the next one repairs it", async () => {
  await stack.sh("useradd --uid 1500 --create-home gus");
  const rows = { ...withDora, gus: { authentik_user: "gus", k8s_user: "gus", tier: "power-user" } };
  const two = { ...rows, hana: { authentik_user: "hana", k8s_user: "hana", tier: "power-user" } };
  const ran = await stack.up(two);
  expect(ran.code).not.toBe(0);
  expect(said(ran)).toMatch(/gus/);
  expect(await stack.sh("id --user hana; systemctl is-active t3-serve@hana.service")).toBe("20005\nactive");
  expect(await stack.sh("id --user gus")).toBe("1500");
  await stack.sh("userdel --remove gus 2>/dev/null || userdel gus");
  await delivered(two);
  expect(await stack.sh("id --user gus; systemctl is-active t3-serve@gus.service")).toBe("20004\nactive");
  await delivered(withDora, [[["confirmLeave"], ["gus", "hana"]]]);
});

test("of two ups at once the second is refused and told who holds the lock", async () => {
  const first = delivered(changed(withDora, "dora", { parked: true }));
  for (let tries = 0; tries < 600 && (await locksOf(stack.engine)).length === 0; tries++) await sleep(50);
  const second = await stack.engine.pulumi(["up", "--yes", "--skip-preview", ...stack.target], { accept: [0, 1, 255] });
  expect(second.code).not.toBe(0);
  expect(said(second)).toMatch(/currently locked by 1 lock\(s\)[\s\S]*pid \d+/);
  await first;
});

test("an engine that is killed in the middle leaves nothing that the next up does not repair", async () => {
  const rows = changed(withDora, "ivo", { authentik_user: "ivo", k8s_user: "ivo", tier: "power-user" });
  await stack.prepare(rows);
  const engine = spawn("pulumi", ["up", "--yes", "--skip-preview", "--non-interactive", ...stack.target], {
    cwd: PROJECT,
    env: { ...stack.engine.env },
    stdio: "ignore",
    detached: true,
  });
  const gone = new Promise((resolve) => engine.on("close", resolve));
  for (let tries = 0; tries < 600 && (await stack.sh("id --user ivo 2>/dev/null; true")) === ""; tries++)
    await sleep(100);
  if (engine.pid !== undefined) process.kill(-engine.pid, "SIGKILL");
  await gone;
  await stack.engine.pulumi(["cancel", "--yes", "--stack", stack.target[1] ?? ""]);
  await delivered(rows);
  expect(await stack.sh('id --user ivo; curl --silent localhost:3779/ | grep -o \'"user":"ivo"\'')).toBe(
    '20006\n"user":"ivo"',
  );
  expect((await changesNothing(rows)).code).toBe(0);
});

test.each([
  ["a host that cannot be reached", [["hosts", 0, "port"], 1], /10\.213\.\d+\.\d+:1|connection refused/],
  [
    "a host with another key",
    [["hosts", 0, "hostKey"], `ssh-ed25519 ${"A".repeat(43)}C3NzaC1lZDI1NTE5AAAAIAAAAAAA`],
    /key/i,
  ],
  ["a setting that does not exist", [["removalLimt"], 3], /removalLimt/],
] as const)(
  "%s ends the run with a sentence and changes nothing on the host",
  async (_what, [path, value], message) => {
    const ran = await changesNothing(changed(withDora, "dora", { parked: true }), [[path, value]]);
    expect(ran.code).not.toBe(0);
    expect(said(ran)).toMatch(message);
  },
);

test("a missing passphrase is said in a sentence", async () => {
  const ran = await stack.engine.pulumi(["preview", ...stack.target], {
    accept: [0, 1, 255],
    env: { PULUMI_CONFIG_PASSPHRASE_FILE: "/nonexistent" },
  });
  expect(ran.code).not.toBe(0);
  expect(said(ran)).toMatch(/passphrase/i);
});
