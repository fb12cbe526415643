/** What a pull request's preview runs and reads while master has a program that waits for an admin, against the lab's servers. */

import { access, rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { vaultFact } from "../../lab/vault/vault.ts";
import { labVault } from "../../lab/vault/api.ts";
import { openWorld, ROWS, rosterText, type World } from "./pipelines/production-stack.ts";
import type { StepRan } from "./pipelines/woodpecker.ts";

// Each pipeline starts the engine several times: a busy machine takes its time for that.
vi.setConfig({ testTimeout: 1_200_000 });

const MASTER = "refs/heads/master";
const EXECUTED = "/tmp/pipelines-preview-executed";
const EVIL = `import { writeFileSync } from "node:fs";\nwriteFileSync("${EXECUTED}", "");\n`;
const CANARY = "canary-beside-the-user-map";
const WITH_DORA = { ...ROWS, dora: { authentik_user: "dora", k8s_user: "dora", tier: "power-user" } };

let world: World;
let vault: Awaited<ReturnType<typeof labVault>>;
let userMap = "";
beforeAll(async () => {
  world = await openWorld();
  const { address, caFile, rootToken } = await vaultFact.read(world.lab);
  vault = await labVault(address, caFile, rootToken);
  const secret = (await vault.must("GET", "secret/data/platform")) as { readonly data: { readonly data: Platform } };
  userMap = secret.data.data.k8s_users;
  const dora = { role: "power-user", email: "dora@lab.example", note: CANARY };
  const data = { k8s_users: JSON.stringify({ ...JSON.parse(userMap), dora }), other: CANARY };
  await vault.must("POST", "secret/data/platform", { data });
  await world.deployByHand();
}, 900_000);
afterAll(async () => {
  await vault?.must("POST", "secret/data/platform", { data: { k8s_users: userMap } });
  await world?.close();
});

interface Platform {
  readonly k8s_users: string;
}

const codes = (ran: readonly StepRan[]) => Object.fromEntries(ran.map(({ name, code }) => [name, code]));
const logOf = (ran: readonly StepRan[]) => ran.map(({ log }) => log).join("\n");
const pushed = (commit: string) => ({ CI_PIPELINE_EVENT: "push", CI_COMMIT_SHA: commit });

test("a preview before anything was published says so, and runs nothing", async () => {
  const { commit } = await world.push(world.emo, { to: "refs/heads/early", files: { "docs/notes.md": "early\n" } });
  const pull = await world.api(world.emo, "POST", "/pulls", { title: "early", head: "early", base: "master" });
  const ran = await world.pipeline("pull-request.yaml", {
    CI_PIPELINE_EVENT: "pull_request",
    CI_COMMIT_SHA: commit,
    CI_COMMIT_PULL_REQUEST: String((pull.body as { readonly number: number }).number),
  });
  expect(ran.find(({ name }) => name === "deployed")?.code).not.toBe(0);
  expect(ran.map(({ name }) => name)).not.toContain("preview");
});

test("a program that the guard has stopped does not run in a preview: that of the deployed commit does, on master's data", async () => {
  await rm(EXECUTED, { force: true });
  const first = await world.push(world.wizard, { to: MASTER, files: { "docs/notes.md": "first\n" } });
  const deployed = await world.pipeline("deploy.yaml", pushed(first.commit));
  expect(codes(deployed), logOf(deployed)).toMatchObject({ guard: 0, up: 0, publish: 0 });

  const evil = await world.push(world.emo, {
    to: MASTER,
    files: {
      ...{ "index.ts": EVIL, "ci/main.ts": EVIL, "ci/pull-request/preview.ts": EVIL, "cli/main.ts": EVIL },
      "package.json": JSON.stringify({ name: "x", type: "module", scripts: { postinstall: `touch ${EXECUTED}` } }),
    },
  });
  expect(codes(await world.pipeline("deploy.yaml", pushed(evil.commit)))).toMatchObject({ guard: 1 });

  const branch = "with-dora";
  const files = { "roster.yaml": rosterText(WITH_DORA) };
  const { commit } = await world.push(world.emo, { to: `refs/heads/${branch}`, files });
  const made = await world.api(world.emo, "POST", "/pulls", { title: "dora", head: branch, base: "master" });
  const pull = String((made.body as { readonly number: number }).number);
  const before = await world.seen();
  const ran = await world.pipeline("pull-request.yaml", {
    CI_PIPELINE_EVENT: "pull_request",
    CI_COMMIT_SHA: commit,
    CI_COMMIT_PULL_REQUEST: pull,
  });
  await expect(access(EXECUTED)).rejects.toThrow("ENOENT");
  expect(codes(ran), logOf(ran)).toEqual({ deployed: 0, preview: 0, comment: 0 });
  const after = await world.seen();
  expect(after.vaultRequests.slice(before.vaultRequests.length)).toEqual([]);

  const comments = (await world.api(world.forge.admin, "GET", `/issues/${pull}/comments`)).body;
  const [{ body }] = comments as readonly [{ readonly body: string }];
  expect(body).toContain("dora joins as power-user on devvm");
  expect(body).toContain("create Workstation dora@devvm");
  // The published state differs from the deployed one in its secrets alone, and no preview compares those.
  expect(body).not.toContain("Different before");
  // Her e-mail is in the user map alone, so no grant is pending.
  expect(body).not.toContain("pending until");
  expect(body).toMatch(/On the base branch and not deployed[^`]*```text\nci\/main.ts\nci\/pull-request\/preview.ts\n/);
  expect(body).toContain(`Program and the user map as of the deployment of ${first.commit.slice(0, 12)}, 20`);
});

test("what previews start from has the user map and nothing that stands beside it in Vault, which a preview cannot read", async () => {
  const published = await world.published();
  expect(published).toContain("dora@lab.example");
  expect(published).not.toContain(CANARY);
  const shown = [published, ...world.logs].join("\n");
  const found = [...world.secrets].filter(([name, value]) => !/_user$|backend/.test(name) && shown.includes(value));
  expect(found.map(([name]) => name)).toEqual([]);
  const token = world.secrets.get("ws_preview_vault_token");
  const self = (await vault.ask("GET", "auth/token/lookup-self", undefined, token)).body;
  expect((self as { readonly data: { readonly policies: unknown } }).data.policies).toEqual(["default"]);
  expect((await vault.ask("GET", "secret/data/platform", undefined, token)).status).toBe(403);
});
