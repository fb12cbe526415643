/** The runner outside any pipeline server, started as its unit starts it, against the lab's forge, cluster, Vault and host. */

import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { run } from "../../lab/run.ts";
import { openWorld, type World } from "./pipelines/production-stack.ts";

vi.setConfig({ testTimeout: 1_200_000 });

let world: World;
let folder: string;
/** A file that only a pushed program or a pushed pipeline would make. */
const PWNED = join(tmpdir(), "pipeline-runner-pwned");

beforeAll(async () => {
  world = await openWorld();
  await world.deployByHand();
  folder = await mkdtemp(join(tmpdir(), "pipeline-runner-"));
  await mkdir(join(folder, "state"));
  for (const [name, value] of world.secrets) await writeFile(join(folder, `secret_${name}`), `${value}\n`);
  const { PATH = "", HOME: _home, LANG: _lang, ...image } = world.env;
  const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE: _passphrase, ...environment } = image;
  const settings = {
    ...{ forge: world.forge.url, owner: world.forge.owner, repository: world.repo, branch: "master", stack: "prod" },
    ...{ account: world.forge.adminUser, token: "ws_forge_token", state: join(folder, "state") },
    ...{ environment, path: PATH.split(":") },
  };
  await writeFile(join(folder, "settings.yaml"), stringify(settings));
}, 900_000);
afterAll(async () => {
  await rm(PWNED, { force: true });
  await rm(folder, { recursive: true });
  await world.close();
});

const start = async (pipeline: string) => {
  const argv = ["ci/runner/main.ts", "--settings", join(folder, "settings.yaml")];
  const ran = await run(["node", "--import", "tsx", ...argv, "--credentials", join(folder, "secret_"), pipeline], {
    cwd: PROJECT,
    env: { PATH: world.env.PATH ?? "" },
    accept: [0, 1],
    timeoutMs: 900_000,
  });
  return { code: ran.code, log: `${ran.stdout}${ran.stderr}` };
};
const isPwned = () =>
  access(PWNED).then(
    () => true,
    () => false,
  );
const MASTER = "refs/heads/master";

test("a push that raises nobody's rights is deployed without a pipeline server, and no secret is in the journal", async () => {
  const { commit } = await world.push(world.emo, { to: MASTER, files: { "docs/notes.md": "notes\n" } });
  const { log } = await start("deploy");
  expect(log).toContain(`Run for the branch's head ${commit.slice(0, 12)}.`);
  expect((await world.history())[0], log).toMatchObject({ result: "succeeded" });
  expect(world.chat.join("\n")).toContain("ebarzin pushed 1 commit");
  for (const [name, value] of world.secrets) if (!/_user$/.test(name)) expect(log, name).not.toContain(value);
  expect((await start("deploy")).log).toContain("Nothing is due.");
});

test("a pushed pipeline and a pushed program do not run before an admin confirms them", async () => {
  const before = (await world.history()).length;
  const write = `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(PWNED)}, "");\n`;
  const pipeline = [
    ...["when:", "  - event: cron", "skip_clone: true", "steps:", "  - name: up", "    image: any"],
    ...["    commands:", `      - touch ${PWNED}`, ""],
  ].join("\n");
  const { commit } = await world.push(world.emo, {
    to: MASTER,
    files: { ".woodpecker/deploy.yaml": pipeline, "ci/main.ts": write },
  });
  await world.tag(world.emo, `confirm/${commit}`, commit);
  const stopped = await start("deploy");
  expect(stopped.code, stopped.log).toBe(1);
  expect(stopped.log).toContain("The step guard ended with 1; its last line: ");
  const told = world.chat.length;
  expect((await start("deploy")).log).toContain("it failed less than an hour ago, and nothing has changed since");
  expect([world.chat.length, (await world.history()).length, await isPwned()]).toEqual([told, before, false]);
});
