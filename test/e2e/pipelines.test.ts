/** The pipelines as they stand in `.woodpecker/`, step by step, against the lab's forge, cluster, Vault and host. */

import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { changed } from "./people/sample.ts";
import { openWorld, ROWS, rosterText, type World } from "./pipelines/production-stack.ts";
import type { StepRan } from "./pipelines/woodpecker.ts";

// Each pipeline starts the engine several times: a busy machine takes its time for that.
vi.setConfig({ testTimeout: 1_200_000 });

let world: World;
beforeAll(async () => {
  world = await openWorld();
  await world.deployByHand();
}, 900_000);
afterAll(() => world?.close());

/** The board ends with 1 where something is not as it should be; what it finds is its own tests'. */
const codes = (ran: readonly StepRan[]) =>
  Object.fromEntries(ran.filter(({ name }) => name !== "board").map(({ name, code }) => [name, code]));
const logOf = (ran: readonly StepRan[], name: string) => ran.find((step) => step.name === name)?.log ?? "";
const pushed = (commit: string) => ({ CI_PIPELINE_EVENT: "push", CI_COMMIT_SHA: commit });
const confirmed = (commit: string) => ({
  CI_PIPELINE_EVENT: "tag",
  CI_COMMIT_TAG: `confirm/${commit}`,
  CI_COMMIT_SHA: commit,
});
const DEPLOYED = { checkout: 0, audit: 0, guard: 0, up: 0, confirm: 0, publish: 0 };
const MASTER = "refs/heads/master";
const WITH_DORA = {
  ...ROWS,
  dora: { authentik_user: "dora", k8s_user: "dora", tier: "power-user", email: "dora@lab.example" },
};

test("a push of somebody who is no admin is announced by login before it is deployed, and a chat that fails does not keep it", async () => {
  world.chatStatus = 500;
  const { commit } = await world.push(world.emo, {
    to: MASTER,
    author: "wizard",
    files: { "docs/notes.md": "notes\n" },
  });
  const ran = await world.pipeline("deploy.yaml", pushed(commit), { board: true });
  world.chatStatus = 200;
  expect(codes(ran), ran.map(({ log }) => log).join("\n")).toEqual(DEPLOYED);
  expect(ran.map(({ name }) => name)).toEqual(["checkout", "audit", "guard", "up", "confirm", "publish", "board"]);
  expect(world.chat).toEqual([
    expect.stringMatching(/ +changed: "docs\/notes\.md"\n +ebarzin pushed 1 commit .*\n +Change \(author: wizard\)/),
  ]);
  expect(logOf(ran, "audit")).toContain("the chat answered with status 500");
  expect((await world.history())[0]).toMatchObject({ message: `${commit} pushed by ebarzin`, result: "succeeded" });
});

test("a push delivers everything again to a host that holds an older copy of what was delivered", async () => {
  const parts = "/var/lib/workstation/parts";
  const held = () => world.sh(`sha256sum ${parts}/*.emo.json`);
  const before = await held();
  await world.sh(`sed -i 's/"state":"present"/"state":"left"/' ${parts}/account.emo.json; rm ${parts}/units.emo.json`);
  const told = world.chat.length;
  const { commit } = await world.push(world.emo, { to: MASTER, files: { "docs/notes.md": "more notes\n" } });
  const ran = await world.pipeline("deploy.yaml", pushed(commit));
  expect(codes(ran), ran.map(({ log }) => log).join("\n")).toEqual(DEPLOYED);
  expect(await held()).toBe(before);
  expect(world.chat.slice(told).join("\n")).toContain("holds another version of account.emo, does not hold units.emo");
});

interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}
let pull = 0;
const comments = async () =>
  (await world.api(world.forge.admin, "GET", `/issues/${pull}/comments`)).body as readonly Comment[];
const preview = (commit: string) =>
  world.pipeline("pull-request.yaml", {
    CI_PIPELINE_EVENT: "pull_request",
    CI_COMMIT_SHA: commit,
    CI_COMMIT_PULL_REQUEST: String(pull),
    CI_COMMIT_SOURCE_BRANCH: BRANCH,
    CI_COMMIT_MESSAGE: "$(touch /tmp/pipelines-pwned) ::set-env name=x::y",
  });

const BRANCH = "topic-$(touch$IFS/tmp/pipelines-pwned)";
const PWNED = "/tmp/pipelines-pwned";
const EVIL = `import { writeFileSync } from "node:fs";\nwriteFileSync("${PWNED}", "");\n`;

test("a pull request's comment says what happens to whom; the branch's program never runs, and nothing is written but the comment", async () => {
  await rm(PWNED, { force: true });
  const { commit } = await world.push(world.emo, {
    to: `refs/heads/${BRANCH}`,
    files: {
      "roster.yaml": rosterText(WITH_DORA),
      "index.ts": EVIL,
      "ci/main.ts": EVIL,
      "package.json": JSON.stringify({ name: "x", type: "module", scripts: { postinstall: `touch ${PWNED}` } }),
      "Pulumi.prod.yaml": "config:\n  workstation:roster: /etc/shadow\n",
    },
  });
  const made = await world.api(world.emo, "POST", "/pulls", { title: "@wizard", head: BRANCH, base: "master" });
  pull = (made.body as { readonly number: number }).number;
  await world.api(world.emo, "POST", `/issues/${pull}/comments`, { body: "<!-- workstation: preview -->\nmine" });
  const before = await world.seen();
  const ran = await preview(commit);
  expect(codes(ran), ran.map(({ log }) => log).join("\n")).toEqual({ deployed: 0, preview: 0, comment: 0 });
  const after = await world.seen();
  expect(after.state).toBe(before.state);
  expect(after.forgeWrites.slice(before.forgeWrites.length)).toEqual([
    `POST /api/v1/repos/${world.forge.owner}/${world.repo}/issues/${pull}/comments`,
  ]);
  expect(after.vaultRequests.slice(before.vaultRequests.length)).toEqual([]);
  expect(after.apiWrites).toEqual(before.apiWrites);
  await expect(access(PWNED)).rejects.toThrow("ENOENT");
  const [theirs, ours, ...more] = await comments();
  expect([theirs?.body, more]).toEqual(["<!-- workstation: preview -->\nmine", []]);
  expect(ours?.user.login).toMatch(/^bot-/);
  expect(ours?.body).toContain("dora joins as power-user on devvm, with uid 20003 and the ports 3776 and 8934");
  expect(ours?.body).toContain("dora: a place as power-user");
  expect(ours?.body).toContain("create Workstation dora@devvm");
  expect(ours?.body).toMatch(
    /reads only its data from here.*\n\n```text\nPulumi.prod.yaml\nci\/main.ts\nindex.ts\npackage.json\n```/,
  );
  expect(ours?.body).not.toContain("emo@devvm-account");
  expect(ours?.body).not.toContain("Different before");
});

test("the credentials of a preview are refused whatever they try to write", async () => {
  expect(await world.tryToWrite()).toEqual({
    cluster: "forbidden",
    secrets: "forbidden",
    vault: 403,
    forge: 403,
    push: 1,
  });
});

test("the next push changes that one comment; text of the branch's stays text, and a broken roster is told with its places", async () => {
  const [, first] = await comments();
  // A key in each row, since what was pasted hides the rest of its own.
  const hostile = ["![x](http://evil.example/x.png)", "</code><script>", "``` #1", "@wizard"];
  const rows = hostile.map((key, index) => `  p${index}:\n    ${JSON.stringify(key)}: x\n`);
  const { commit } = await world.push(world.emo, {
    on: `refs/heads/${BRANCH}`,
    to: `refs/heads/${BRANCH}`,
    files: { "roster.yaml": `users:\n${rows.join("")}` },
  });
  const ran = await preview(commit);
  expect(codes(ran)).toEqual({ deployed: 0, preview: 0, comment: 0 });
  const [, second, ...more] = await comments();
  expect([second?.id, more]).toEqual([first?.id, []]);
  expect(second?.body).toMatch(
    /cannot be deployed as it is:\*\*\n\n(`{3,})text\n[\s\S]*evil[\s\S]*<\/code>[\s\S]*@wizard[\s\S]*\n\1/,
  );
  const outside = second?.body.replaceAll(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
  expect(outside).not.toMatch(/@wizard|evil|script/);
});

test("a push that raises rights stops, whoever its author claims to be, until an admin confirms exactly that commit", async () => {
  const runs = (await world.history()).length;
  const told = world.chat.length;
  const grab = rosterText(changed(ROWS, "emo", { tier: "admin" }));
  const own = await world.push(world.emo, { to: MASTER, author: "wizard", files: { "roster.yaml": grab } });
  expect(await world.tag(world.emo, `confirm/${own.commit}`, own.commit)).toBe(true);
  const stopped = await world.pipeline("deploy.yaml", pushed(own.commit));
  expect(codes(stopped)).toEqual({ checkout: 0, audit: 0, guard: 1 });
  expect(world.chat.slice(told)).toEqual([
    expect.stringContaining("ebarzin pushed 1 commit"),
    expect.stringMatching(
      /was pushed by ebarzin, not by an admin[\s\S]*emo would get the tier admin instead of power-user \(groups code-shared, docker and sudo\)[\s\S]*one of wizard pushes an annotated tag:\n +git tag --force --annotate --message=confirmed confirm\/[0-9a-f]{40}/,
    ),
  ]);

  const next = await world.push(world.emo, { to: MASTER, files: { "roster.yaml": rosterText(WITH_DORA) } });
  // An admin's push on top is an admin's push, and no confirmation of what lies under it; nor is one of another commit.
  expect(await world.tag(world.wizard, `confirm/${own.commit}-earlier`, own.commit)).toBe(true);
  const top = await world.push(world.wizard, { to: MASTER, files: { "docs/notes.md": "more\n" } });
  expect(codes(await world.pipeline("deploy.yaml", pushed(top.commit)))).toEqual({ checkout: 0, audit: 0, guard: 1 });
  expect(await world.history()).toHaveLength(runs);
  expect(next.ok).toBe(true);

  expect(await world.tag(world.wizard, `confirm/${top.commit}`, top.commit)).toBe(true);
  const tag = { CI_PIPELINE_EVENT: "tag", CI_COMMIT_TAG: `confirm/${top.commit}`, CI_COMMIT_SHA: top.commit };
  const ran = await world.pipeline("deploy.yaml", tag, { board: true });
  expect(codes(ran), logOf(ran, "up")).toEqual(DEPLOYED);
  expect(logOf(ran, "guard")).toContain("wizard, an admin, confirmed");
  expect(logOf(ran, "board")).toMatch(/^dora\b/m);
  expect(await world.sh("id --user dora; id --groups --name emo | grep -c sudo; true")).toBe("20003\n0");
});

test("a program that somebody changes who is no admin does not run, and does not judge itself", async () => {
  const { commit } = await world.push(world.emo, {
    to: MASTER,
    files: { "ci/push/guard-step.ts": "export const guard = async () => 0;\n", "index.ts": EVIL },
  });
  const ran = await world.pipeline("deploy.yaml", pushed(commit));
  expect(codes(ran)).toEqual({ checkout: 0, audit: 0, guard: 1 });
  expect(logOf(ran, "guard")).toMatch(
    /every right of the deployment:\n +"ci\/push\/guard-step.ts" \(in .*\n +"index.ts"/,
  );
  await expect(access(PWNED)).rejects.toThrow("ENOENT");
  const read = (path: string) => readFile(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
  const files = { "ci/push/guard-step.ts": await read("ci/push/guard-step.ts"), "index.ts": await read("index.ts") };
  const { commit: repaired } = await world.push(world.wizard, { to: MASTER, files });
  // Whoever may write can move an admin's release to a tag, and the forge then records the admin as who pushed it.
  const release = await world.api(world.wizard, "POST", "/releases", { tag_name: "v1", target_commitish: "master" });
  const { id } = release.body as { readonly id: number };
  const moved = { tag_name: `confirm/${repaired}`, target_commitish: repaired };
  expect((await world.api(world.emo, "PATCH", `/releases/${id}`, moved)).status).toBe(200);
  for (const has_releases of [true, false]) {
    await world.api(world.forge.admin, "PATCH", "", { has_releases });
    const refused = await world.pipeline("deploy.yaml", confirmed(repaired));
    expect(codes(refused)).toEqual({ checkout: 0, audit: 0, guard: 1 });
  }
  await confirmAndDeploy(repaired);
});

/** An admin's confirmation of a commit, and the deployment that it starts. */
async function confirmAndDeploy(commit: string) {
  expect(await world.tag(world.wizard, `confirm/${commit}`, commit)).toBe(true);
  const ran = await world.pipeline("deploy.yaml", confirmed(commit));
  expect(codes(ran), ran.map(({ log }) => log).join("\n")).toEqual(DEPLOYED);
}

const PUBLISH = "ci/snapshot/publish.ts";
const STEAL =
  `import { writeFileSync } from "node:fs";\nwriteFileSync("${PWNED}", JSON.stringify(process.env));\n` +
  "export const CREDENTIALS = [];\nexport const publish = async () => 0;\n";

test("a program that the next commit takes back is stopped with it, and never runs on anybody's tag once a later commit is deployed", async () => {
  await rm(PWNED, { force: true });
  const own = await readFile(fileURLToPath(new URL(`../../${PUBLISH}`, import.meta.url)), "utf8");
  const evil = await world.push(world.emo, { to: MASTER, files: { [PUBLISH]: STEAL } });
  const back = await world.push(world.emo, { to: MASTER, files: { [PUBLISH]: own } });
  const stopped = await world.pipeline("deploy.yaml", pushed(back.commit));
  expect(codes(stopped)).toEqual({ checkout: 0, audit: 0, guard: 1 });
  expect(logOf(stopped, "guard")).toContain(`"${PUBLISH}" (in ${evil.commit.slice(0, 12)})`);
  await confirmAndDeploy(back.commit);

  const runs = (await world.history()).length;
  expect(await world.tag(world.emo, `confirm/${evil.commit}`, evil.commit)).toBe(true);
  for (const variables of [
    confirmed(evil.commit),
    pushed(evil.commit),
    { ...pushed(evil.commit), CI_PIPELINE_EVENT: "cron" },
  ]) {
    const ran = await world.pipeline("deploy.yaml", variables, { board: true });
    expect(codes(ran)).toEqual(DEPLOYED);
    expect(logOf(ran, "up")).toContain("There is nothing to deploy");
    expect(logOf(ran, "publish") + logOf(ran, "board")).toBe("");
  }
  await expect(access(PWNED)).rejects.toThrow("ENOENT");
  expect(await world.history()).toHaveLength(runs);
});

test("who takes the login that the admin gave up pushes and confirms as nobody known, and the renamed admin is named", async () => {
  await rm(PWNED, { force: true });
  const runs = (await world.history()).length;
  const rename = (was: string, is: string) =>
    world.forge.api.must("POST", `admin/users/${was}/rename`, { new_username: is });
  const away = { ...world.wizard, login: `${world.wizard.login}-away` };
  const taker = { ...world.emo, login: world.wizard.login };
  const own = await readFile(fileURLToPath(new URL("../../index.ts", import.meta.url)), "utf8");
  await rename(world.wizard.login, away.login);
  await rename(world.emo.login, taker.login);
  try {
    const { commit } = await world.push(taker, { to: MASTER, files: { "index.ts": EVIL } });
    expect(await world.tag(taker, `confirm/${commit}`, commit)).toBe(true);
    for (const variables of [pushed(commit), confirmed(commit)]) {
      const ran = await world.pipeline("deploy.yaml", variables);
      expect(codes(ran), ran.map(({ log }) => log).join("\n")).toEqual({ checkout: 0, audit: 0, guard: 1 });
      for (const step of ["audit", "guard"])
        expect(logOf(ran, step)).toMatch(/an account of id \d+ that has the login wizard now/);
    }
    const top = await world.push(away, { to: MASTER, files: { "index.ts": own } });
    const stopped = await world.pipeline("deploy.yaml", pushed(top.commit));
    expect(codes(stopped)).toEqual({ checkout: 0, audit: 0, guard: 1 });
    expect(logOf(stopped, "guard")).toContain('the forge account "wizard" was renamed to "wizard-away" by its owner');
  } finally {
    await rename(taker.login, world.emo.login);
    await rename(away.login, world.wizard.login);
  }
  expect(await world.history()).toHaveLength(runs);
  await expect(access(PWNED)).rejects.toThrow("ENOENT");
  const { commit } = await world.push(world.wizard, { to: MASTER, files: { "docs/notes.md": "named again\n" } });
  await confirmAndDeploy(commit);
});

test("a commit's title and a tag of its first word do not choose the trusted program, after a deployment by hand either", async () => {
  await rm(PWNED, { force: true });
  const evil = await world.push(world.emo, { to: "refs/heads/side", files: { "ci/main.ts": EVIL } });
  expect(await world.tag(world.emo, "feed", evil.commit)).toBe(true);
  for (const message of ["feed pushed by cron", `${evil.commit} pushed by wizard`]) {
    const { commit } = await world.push(world.emo, { to: MASTER, message, files: { "docs/notes.md": message } });
    await world.deployByHand();
    const [last] = await world.history();
    expect(last).toMatchObject({ message, environment: { "git.head": commit } });
    const ran = await world.pipeline("deploy.yaml", pushed(commit));
    expect(codes(ran)).toEqual(DEPLOYED);
    expect(logOf(ran, "up")).toContain("There is nothing to deploy");
  }
  await expect(access(PWNED)).rejects.toThrow("ENOENT");
});

test("a deployment from another branch than master stops every run until an admin has deployed master by hand", async () => {
  const { commit } = await world.push(world.wizard, { to: "refs/heads/aside", files: { "docs/notes.md": "aside" } });
  await world.deployByHand("aside");
  const stopped = await world.pipeline("deploy.yaml", pushed(commit));
  expect(codes(stopped)).toEqual({ checkout: 1 });
  expect(logOf(stopped, "checkout")).toContain(`The deployed commit ${commit} is not on master`);
  await world.deployByHand();
});

test("a skipped push is found by the schedule, announced and deployed; it waits for whoever deploys already, and says so", async () => {
  const { commit } = await world.push(world.emo, {
    to: MASTER,
    message: "Pause dora [CI SKIP]",
    files: { "roster.yaml": rosterText(changed(WITH_DORA, "dora", { parked: true })) },
  });
  const lock = join(world.stateFolder, ".pulumi/locks/organization/workstation/prod/held.json");
  await mkdir(dirname(lock), { recursive: true });
  await writeFile(
    lock,
    JSON.stringify({ pid: 1, username: "ci", hostname: "other", timestamp: new Date().toISOString() }),
  );
  const cron = { CI_PIPELINE_EVENT: "cron", CI_COMMIT_SHA: commit };
  const ran = await world.pipeline("deploy.yaml", cron, {
    onLog: (log) => {
      if (log.includes("waiting for it")) void rm(lock, { force: true });
    },
  });
  expect(codes(ran), logOf(ran, "up")).toEqual(DEPLOYED);
  expect(logOf(ran, "up")).toMatch(/Another deployment runs \(created by ci@other.*\); waiting for it/);
  expect(world.chat.at(-1)).toMatch(/ebarzin pushed[\s\S]*asks to skip the pipeline. Only an admin's does/);
  expect(await world.sh("systemctl is-active t3-serve@dora.service; true")).toBe("inactive");
});

test("drift on the host and in the cluster is told to the chat with exit code 1, and is left as it is", async () => {
  await world.kubectl("delete", "resourcequota", "quota", "--namespace=plotting-book");
  await world.sh("rm /etc/ttyd-user-map");
  const { state } = await world.seen();
  const ran = await world.pipeline("drift.yaml", { CI_PIPELINE_EVENT: "cron", CI_COMMIT_SHA: "0".repeat(40) });
  expect(codes(ran), logOf(ran, "drift")).toEqual({ checkout: 0, drift: 1 });
  expect(world.chat.at(-1)).toMatch(/ResourceQuota .*: to create/);
  expect(world.chat.at(-1)).toMatch(/devvm: .*ttyd-user-map/);
  expect((await world.seen()).state).toBe(state);
  expect(await world.sh("ls /etc/ttyd-user-map 2>&1; true")).toContain("No such file");
});

test("no secret of the pipelines or of the program stands in a log, a message to the chat, a comment or what previews start from", async () => {
  const shown = [
    ...world.logs,
    ...world.chat,
    ...(await comments()).map(({ body }) => body),
    await world.published(),
  ].join("\n");
  const found = [...world.secrets].filter(([name, value]) => !/_user$|backend/.test(name) && shown.includes(value));
  expect(found.map(([name]) => name)).toEqual([]);
});
