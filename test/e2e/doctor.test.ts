/** `./ws doctor` on a half-configured site: each finding is fixed in turn, nothing is written, and the site then deploys. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import type { Check } from "../../cli/doctor/model.ts";
import { clusterFact } from "../../lab/cluster/cluster.ts";
import { findForge } from "../../lab/forge/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { run } from "../../lab/run.ts";
import { type LabVault, labVault } from "../../lab/vault/api.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { everybody } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

const ACCOUNT = "workstation-deployment";
const folder = mkdtempSync(join(tmpdir(), "ws-doctor-"));
let stack: PeopleStack;
let vault: LabVault;
let issuer: { readonly url: string; readonly server: Server };
let auditLog: string;
let auditedBefore = 0;
let secrets: readonly string[];
/** Everything that the command has said. */
const said: string[] = [];

/** An issuer whose discovery document offers no device code. */
async function startIssuer(): Promise<typeof issuer> {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=issuer", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "60"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", "-x509", ...curve, "-keyout", key, "-out", cert, ...subject], { stdio: "pipe" });
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) =>
    response.end(JSON.stringify({ issuer: `${issuer.url}/` })),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

const doctor = async () => {
  const ran = await run([`${PROJECT}/ws`, "doctor", "--json", ...stack.target], {
    // The issuer's certificate is its own authority.
    env: { ...stack.engine.env, NODE_EXTRA_CA_CERTS: join(folder, "cert.pem") },
    accept: [0, 1],
    timeoutMs: 240_000,
  });
  said.push(ran.stdout, ran.stderr);
  const { checks } = JSON.parse(ran.stdout) as { checks: readonly Check[] };
  const missing = checks.filter(({ state }) => state === "missing");
  return { code: ran.code, checks, missing, lines: missing.map(({ surface, what }) => `${surface} ${what}`) };
};

/** Settings and secrets as they are by now. */
let half: { settings: Map<string, Setting>; secrets: Record<string, string> };
const put = (path: Setting[0], value: unknown) => half.settings.set(path.join("."), [path, value]);
const configure = async () => {
  await stack.prepare(everybody, [...half.settings.values()]);
  for (const [key, input] of Object.entries(half.secrets))
    await stack.engine.pulumi(["config", "set", "--secret", key, ...stack.target], { input });
};

const audited = z.object({
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z.object({ resource: z.string() }).optional(),
});

/** What the deployment's account has written in the cluster since this file began; reviews are stored nowhere. */
const written = async () =>
  (await readFile(auditLog))
    .subarray(auditedBefore)
    .toString("utf8")
    .split("\n")
    .flatMap((line) => (line.includes(ACCOUNT) ? [audited.parse(JSON.parse(line))] : []))
    .filter(({ user, verb }) => user.username.endsWith(ACCOUNT) && !["get", "list", "watch"].includes(verb))
    .filter(({ objectRef }) => !/reviews$/.test(objectRef?.resource ?? "reviews"));

beforeAll(async () => {
  stack = await freshStack();
  const instance = await openInstance(instanceName());
  const { address, caFile, rootToken } = await vaultFact.read(instance);
  vault = await labVault(address, caFile, rootToken);
  const cluster = await clusterFact.read(instance);
  auditLog = cluster.auditLog;
  // Another file may have deployed by an account of this name on the same lab.
  auditedBefore = (await readFile(auditLog)).length;
  issuer = await startIssuer();
  await stack.kubectl(["delete", "--ignore-not-found", "-f", join(PROJECT, "ci/deployment-role.yaml")]);
  await stack.kubectl(["create", "serviceaccount", ACCOUNT, "--namespace=kube-system"]);
  const kubeToken = (await stack.kubectl(["create", "token", ACCOUNT, "--namespace=kube-system"])).stdout.trim();
  const kubeconfig = JSON.parse(await readFile(cluster.adminKubeconfig, "utf8")) as { users: object[] };
  kubeconfig.users = kubeconfig.users.map((user) => ({ ...user, user: { token: kubeToken } }));
  const made = (await vault.must("POST", "auth/token/create", { policies: ["default"], ttl: "1h" })) as {
    auth: { client_token: string };
  };
  const forge = await findForge(instance);
  await forge.api.ask("DELETE", "admin/users/half-admin");
  const { password } = await forge.createUser("half-admin");
  secrets = [kubeToken, made.auth.client_token, password];
  const given = {
    kubeconfig: JSON.stringify(kubeconfig),
    vaultToken: made.auth.client_token,
    forgejoPassword: password,
  };
  half = { settings: new Map(), secrets: given };
  const { stdout } = await run(["/usr/bin/ssh-keyscan", "-t", "ed25519", stack.vm.address]);
  const real =
    stdout
      .split("\n")
      .find((line) => !line.startsWith("#"))
      ?.split(" ")
      .slice(1)
      .join(" ") ?? "";
  put(
    ["hosts"],
    [{ name: "devvm", address: stack.vm.address, hostKey: `ssh-ed25519 ${real.split(" ")[1]?.replace(/.$/, "x")}` }],
  );
  put(["devvm", "packages"], ["git", "zhs-that-is-no-package"]);
  put(["devvm", "commands", "t3"], ["/usr/local/bin/no-code-server"]);
  put(["forgejo", "username"], "half-admin");
  put(["cluster", "oidc"], { issuer: "https://issuer.lab.example/", clientId: "kubernetes" });
  put(["cluster", "portalMap"], { namespace: "doctor-portal" });
  await configure();
});

afterAll(async () => {
  await stack.kubectl(["delete", "--ignore-not-found", "-f", join(PROJECT, "ci/deployment-role.yaml")]);
  await stack.kubectl(["delete", "namespace", "doctor-portal", "--ignore-not-found", "--wait=false"]);
  issuer.server.close();
  rmSync(folder, { recursive: true });
});

test("everything that is missing is told at once, on every surface", async () => {
  const before = await stack.touched();
  const { code, lines, missing } = await doctor();
  expect(code).toBe(1);
  expect(lines).toEqual(
    expect.arrayContaining([
      "host login",
      "cluster rights on namespaces",
      "cluster rights on clusterroles.rbac.authorization.k8s.io",
      "cluster namespace doctor-portal",
      "vault token's life",
      "vault right on identity/entity",
      "vault user map",
      "forge account",
      "address issuer",
      "address connection",
    ]),
  );
  for (const { found, expected, remedy } of missing) expect([found, expected, remedy]).not.toContain("");
  expect(await stack.touched()).toEqual(before);
});

/** Only what `apt` was told of by a repository of this test's own; the host reaches no other one. */
const UPDATE_LISTS = `mkdir -p /srv/doctor; touch /srv/doctor/Packages
echo 'deb [trusted=yes] file:/srv/doctor ./' > /srv/doctor/sources.list
apt-get update -o Dir::Etc::sourcelist=/srv/doctor/sources.list -o Dir::Etc::sourceparts=-`;

test("with the right host key, what the host lacks is told with the line that brings it", async () => {
  half.settings.delete("hosts");
  await configure();
  await stack.sh("rm -rf /var/lib/apt/lists/*");
  const unlisted = (await doctor()).checks.find(({ what }) => what === "package zhs-that-is-no-package");
  expect(unlisted).toMatchObject({ state: "untried", found: expect.stringContaining("apt has no lists") });
  await stack.sh(UPDATE_LISTS);
  const before = await stack.touched();
  const { lines, missing } = await doctor();
  expect(lines.filter((line) => line.startsWith("host "))).toEqual([
    "host package zhs-that-is-no-package",
    "host program /usr/local/bin/no-code-server",
    "host program kubectl",
    "host program kubectl-oidc_login",
  ]);
  expect(missing.find(({ what }) => what.startsWith("package"))?.remedy).toMatch(
    /^apt-get update, then .*apt-cache search zhs-that-is-no-package/,
  );
  expect(await stack.touched()).toEqual(before);
});

test("each finding that is fixed is gone, and no other one comes", async () => {
  const gone: string[] = [];
  const fix = async (surface: string, how: () => Promise<unknown>) => {
    await how();
    await configure();
    const { lines } = await doctor();
    expect(lines.filter((line) => line.startsWith(`${surface} `))).toEqual([]);
    for (const other of gone) expect(lines.filter((line) => line.startsWith(`${other} `))).toEqual([]);
    gone.push(surface);
  };
  await fix("host", async () => {
    half.settings.delete("devvm.packages");
    half.settings.delete("devvm.commands.t3");
    await stack.sh(
      "for name in kubectl kubectl-oidc_login; do install -m 755 /usr/bin/true /usr/local/bin/$name; done",
    );
  });
  await fix("cluster", async () => {
    await stack.kubectl(["apply", "-f", join(PROJECT, "ci/deployment-role.yaml")]);
    await stack.kubectl(["create", "namespace", "doctor-portal"]);
  });
  // The lab's own token has the policy of docs/vault.md, and no right beside it.
  await fix("vault", async () => delete half.secrets.vaultToken);
  await fix("forge", async () => {
    half.settings.delete("forgejo.username");
    delete half.secrets.forgejoPassword;
  });
  await fix("address", async () =>
    put(["cluster", "oidc"], { issuer: `${issuer.url}/`, clientId: "kubernetes", grant: "authcode" }),
  );
});

test("the complete site ends with exit code 0, and nothing was written anywhere", async () => {
  const before = await stack.touched();
  const { code, lines, checks } = await doctor();
  expect([lines, code]).toEqual([[], 0]);
  expect(new Set(checks.map(({ surface }) => surface))).toEqual(
    new Set(["configuration", "host", "clock", "cluster", "vault", "forge", "address", "chat"]),
  );
  expect(await stack.touched()).toEqual(before);
  expect(await written()).toEqual([]);
  const { body } = await vault.ask("LIST", "sys/policies/acl");
  expect(JSON.stringify(body)).not.toContain("doctor");
});

test("no secret was in any output", () => {
  const all = said.join("\n");
  for (const secret of secrets) expect(all.includes(secret)).toBe(false);
});

test("the deployment's account needs no right beside its manifest", async () => {
  const ran = await stack.engine.pulumi(["up", "--yes", "--skip-preview", ...stack.target], {
    accept: Array.from({ length: 256 }, (_, code) => code),
  });
  expect(`${ran.code}\n${ran.stdout}\n${ran.stderr}`).toMatch(/^0\n/);
  expect((await written()).length).toBeGreaterThan(10);
});
