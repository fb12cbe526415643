/** The lab's forge is a real one: people, rights, real pushes and clones, and a DevVM that reads it like the world does. Needs root. */
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type DevVm, startDevVm } from "../../lab/devvm/index.ts";
import { type Forge, type ForgeLogin, findForge, gitEnv, startForge } from "../../lab/forge/index.ts";
import { type Instance, instanceName, openInstance } from "../../lab/instance.ts";
import { readRecord } from "../../lab/process/record.ts";
import { type Ran, run } from "../../lab/run.ts";
import { openToolchain } from "../../lab/toolchain/index.ts";

const SECRET = "the-secret-of-the-lab";

let lab: Instance;
let forge: Forge;
let vm: DevVm;
let scratch: string;
beforeAll(async () => {
  lab = await openInstance(instanceName({ WS_LAB: "test", ...process.env }));
  await startForge(lab, openToolchain(["forge"]));
  forge = await findForge(lab);
  vm = await startDevVm(lab, "cloner", 12);
  scratch = await mkdtemp(join(tmpdir(), "forge-"));
});
afterAll(async () => {
  await vm.remove();
  await rm(scratch, { recursive: true });
});

const git = (as: ForgeLogin, argv: readonly string[], accept = [0]): Promise<Ran> =>
  run(["git", ...argv], { cwd: scratch, env: gitEnv(as), accept });
const person = (login: string): ForgeLogin => ({ login, password: forge.passwords[login] ?? "" });
const infra = () => forge.cloneUrl(forge.owner, forge.infra);

/** A name that no former run has used: the forge of an instance keeps what it was given. */
const fresh = (name: string): string => `${name}-${Date.now().toString(36)}`;

test("it answers as what it is, to the host and to the DevVM", async () => {
  const version = await forge.api.must("GET", "version");
  expect(version).toEqual({ version: "1.26.0" });
  expect(JSON.parse((await vm.ssh(`curl --silent --fail ${forge.url}/api/v1/version`)).stdout)).toEqual(version);
});

test("it runs as a user that the machine has no account for, and keeps its data to that user", async () => {
  const server = await readRecord(lab, "forge");
  const { uid } = await stat(`/proc/${server?.pid}`);
  expect(uid).toBeGreaterThan(64_000);
  expect((await readFile("/etc/passwd", "utf8")).split("\n").filter((line) => line.split(":")[2] === `${uid}`)).toEqual(
    [],
  );
  const work = await stat(lab.path("forge", "work"));
  expect([work.uid, work.mode & 0o077]).toEqual([uid, 0]);
  expect((await stat(forge.gitCryptKeyPath)).mode & 0o077).toBe(0);
});

test("a start on top of a running one changes nothing", async () => {
  const before = [await readRecord(lab, "forge"), await git("anonymous", ["ls-remote", infra()])];
  await startForge(lab, openToolchain(["forge"]));
  expect([await readRecord(lab, "forge"), await git("anonymous", ["ls-remote", infra()])]).toEqual(before);
  expect((await findForge(lab)).adminPassword).toBe(forge.adminPassword);
});

test("anybody on the DevVM clones the infra repository, and holds its secrets as ciphertext alone", async () => {
  await vm.ssh(`useradd --create-home reader`);
  await vm.ssh(`git clone --quiet ${infra()} code`, { as: "reader" });
  const said = await vm.ssh(
    "cd code && git branch --show-current && cat services/hello/service.yaml && head -c 10 secrets/tokens.env | od -An -c && ! grep -r the-secret .",
    { as: "reader" },
  );
  expect(said.stdout.split("\n").map((line) => line.trim())).toEqual([
    "master",
    "name: hello",
    "replicas: 1",
    "\\0   G   I   T   C   R   Y   P   T  \\0",
    "",
  ]);
});

test("the key that the lab keeps opens those secrets", async () => {
  const clone = join(scratch, "unlocked");
  await git("anonymous", ["clone", "--quiet", infra(), clone]);
  await run(["git-crypt", "unlock", forge.gitCryptKeyPath], { cwd: clone, env: gitEnv("anonymous") });
  expect(await readFile(join(clone, "secrets/tokens.env"), "utf8")).toContain(SECRET);
});

test("the private repository opens to a token of somebody who was let in, and to nobody else", async () => {
  const visitor = await forge.createUser(fresh("visitor"));
  const name = fresh("private");
  await forge.createRepository(forge.owner, name, {
    isPrivate: true,
    content: { files: { "README.md": "# private\n" } },
  });
  const hidden = forge.cloneUrl(forge.owner, name);
  expect((await git("anonymous", ["ls-remote", hidden], [128])).stderr).toContain("could not read Username");
  expect((await git(visitor, ["ls-remote", hidden], [128])).stderr).toContain("not found");
  await forge.api.must("PUT", `repos/${forge.owner}/${name}/collaborators/${visitor.login}`, { permission: "read" });
  const { body } = await forge.api.ask(
    "POST",
    `users/${visitor.login}/tokens`,
    { name: "clone", scopes: ["read:repository"] },
    visitor,
  );
  const token = { login: visitor.login, password: (body as { sha1: string }).sha1 };
  expect((await git(token, ["ls-remote", hidden])).stdout).toContain("refs/heads/master");
  await forge.api.must("DELETE", `admin/users/${visitor.login}?purge=true`);
  expect((await git(token, ["ls-remote", hidden], [128])).code).toBe(128);
});

test("the people of the sample roster have accounts; only the admin's may administrate", async () => {
  expect((await forge.api.ask("GET", "admin/users", undefined, person("wizard"))).status).toBe(200);
  expect((await forge.api.ask("GET", "admin/users", undefined, person("ebarzin"))).status).toBe(403);
  expect((await forge.api.ask("GET", "user", undefined, person("ebarzin"))).body).toMatchObject({ login: "ebarzin" });
  expect((await forge.api.ask("GET", "user", undefined, { login: "ebarzin", password: "guessed" })).status).toBe(401);
});

test("a protected branch takes pushes of those on its list, and refuses others and every forced one", async () => {
  const name = fresh("guarded");
  await forge.createRepository(forge.owner, name, { content: { files: { "a.txt": "1\n" } } });
  const [listed, other] = [await forge.createUser(fresh("listed")), await forge.createUser(fresh("other"))];
  for (const { login } of [listed, other])
    await forge.api.must("PUT", `repos/${forge.owner}/${name}/collaborators/${login}`, { permission: "write" });
  await forge.api.must("POST", `repos/${forge.owner}/${name}/branch_protections`, {
    rule_name: "master",
    enable_push: true,
    enable_push_whitelist: true,
    push_whitelist_usernames: [listed.login],
  });
  const clone = join(scratch, name);
  const inClone = (as: ForgeLogin, argv: readonly string[], accept?: number[]) =>
    git(as, ["-C", clone, ...argv], accept);
  await git("anonymous", ["clone", "--quiet", forge.cloneUrl(forge.owner, name), clone]);
  await inClone("anonymous", ["commit", "--quiet", "--allow-empty", "--message", "second"]);
  expect((await inClone(other, ["push", "origin", "master"], [1])).stderr).toContain("protected branch");
  await inClone(listed, ["push", "origin", "master"]);
  await inClone("anonymous", ["commit", "--quiet", "--amend", "--allow-empty", "--message", "rewritten"]);
  expect((await inClone(listed, ["push", "--force", "origin", "master"], [1])).stderr).toContain(
    "protected from force push",
  );
});
