/**
 * Carries docs/getting-started.md out block by block, from a clone to the first offboarding, with the lab's servers in the place
 * of an operator's. With `WS_TRANSCRIPT=FILE` it writes what was run and said.
 */

import { appendFile, cp, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ensureCertificates } from "../../lab/cluster/certificates.ts";
import { clusterFact } from "../../lab/cluster/cluster.ts";
import { factsOfDevVm } from "../../lab/devvm/index.ts";
import { findForge, type Forge, gitEnv } from "../../lab/forge/index.ts";
import { type Instance, instanceName, openInstance } from "../../lab/instance.ts";
import { startIssuers } from "../../lab/oidc/issuers.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { run } from "../../lab/run.ts";
import { toolPath } from "../../lab/toolchain/index.ts";
import { type LabVault, labVault } from "../../lab/vault/api.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { LINK_PACKAGES } from "./fixtures/link-packages.ts";
import { blocksOf, missingIn, type PageBlock } from "./fixtures/runbook.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

const PAGE = "docs/getting-started.md";
const BOT = "workstation-bot";
/** The sample's admin, as the page names them in the roster: whoever pushes to the protected branch. */
const ADMIN = "wizard";
/** Half a dozen deployments and previews; on a machine that does other things they may take many minutes. */
const PAGE_MS = 1_500_000;

let instance: Instance;
let stack: PeopleStack;
let forge: Forge;
let folder: string;
/** The organisation whose repository `infra` the page fills and protects. */
let owner: string;
/** What the page says, and what stands for it here. */
let replaced: ReadonlyMap<string, string>;
let page: string;
let blocks: readonly PageBlock[];
let password: string;
/** What secret/platform held before. */
let platform: object | undefined;
const transcript: string[] = [];

beforeAll(async () => {
  page = await readFile(join(PROJECT, PAGE), "utf8");
  blocks = blocksOf(page);
  instance = await openInstance(instanceName());
  stack = await freshStack();
  forge = await findForge(instance);
  folder = instance.path("getting-started");
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, "bin"), { recursive: true, mode: 0o700 });
  await stack.kubectl(DELETE_ACCOUNT);
  await forge.api.ask("DELETE", `admin/users/${BOT}`);
  ({ password } = await forge.createUser(BOT, { isAdmin: true }));
  owner = `ops-${Date.now().toString(36)}`;
  await forge.api.must("POST", `admin/users/${ADMIN}/orgs`, { username: owner, visibility: "public" });
  // Its own mirror as well, so everybody may read it.
  await forge.createRepository(owner, "infra");
  await forge.createRepository(owner, "tripit", { content: { files: { "README.md": "# tripit\n" } } });
  platform = await readPlatform();
  await copyUpstream(join(folder, "upstream"));
  await writeFile(join(folder, "environment"), exported(await operatorsShell()), { mode: 0o600 });
  replaced = await valuesOfTheLab();
}, 600_000);
afterAll(async () => {
  const file = process.env.WS_TRANSCRIPT;
  if (file !== undefined && file !== "") await writeFile(file, `${transcript.join("\n")}\n`);
  await stack.kubectl(DELETE_ACCOUNT);
  if (platform !== undefined) await (await administrator()).must("POST", "secret/data/platform", { data: platform });
  await rm(folder, { recursive: true, force: true });
});

const DELETE_ACCOUNT = ["delete", "--ignore-not-found", "-f", join(PROJECT, "ci/deployment-role.yaml")];

/** The repository of this program, as somebody clones it: the files as they are now, without what git ignores. */
async function copyUpstream(to: string): Promise<void> {
  const listed = await run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: PROJECT });
  for (const path of listed.stdout.split("\0").filter((one) => one !== "" && !/^(test|lab)\//.test(one))) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await cp(join(PROJECT, path), join(to, path)).catch((cause: NodeJS.ErrnoException) => {
      // Deleted, and not committed yet.
      if (cause.code !== "ENOENT") throw cause;
    });
  }
  for (const argv of [
    ["init", "--quiet", "--initial-branch=master"],
    ["add", "--all"],
    ["commit", "--quiet", "--message=Begin"],
  ])
    await run(["git", ...argv], { cwd: to, env: gitEnv("anonymous") });
}

/** The lab's engine, the host's administrator by ssh, and the administrators of the cluster and of Vault. */
async function operatorsShell(): Promise<Readonly<Record<string, string>>> {
  const { PULUMI_BACKEND_URL: _state, PULUMI_CONFIG_PASSPHRASE_FILE: _passphrase, ...engine } = stack.engine.env;
  const cluster = await clusterFact.read(instance);
  const { address, caFile, rootToken } = await vaultFact.read(instance);
  const { privateKeyPath } = await factsOfDevVm().read(instance);
  const program = (name: string, text: string) =>
    writeFile(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o700 });
  const known = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes";
  await program("ssh", `exec /usr/bin/ssh -F none -i ${privateKeyPath} -o IdentitiesOnly=yes ${known} "$@"`);
  await program("kubectl", `exec ${cluster.kubectl} --kubeconfig=${cluster.adminKubeconfig} "$@"`);
  const administrator = `export VAULT_ADDR=${address} VAULT_CACERT=${caFile} VAULT_TOKEN=${rootToken}`;
  await program("vault", `${administrator}\nexec ${join(await toolPath("vault"), "vault")} "$@"`);
  // The packages that are installed here.
  await program("npm", `test "$*" = "ci --ignore-scripts" && ${LINK_PACKAGES}`);
  return {
    ...engine,
    ...gitEnv({ login: ADMIN, password: forge.passwords[ADMIN] ?? "" }),
    PATH: `${join(folder, "bin")}:${engine.PATH}`,
    HOME: folder,
    LANG: "C.UTF-8",
    NO_COLOR: "1",
  };
}

async function valuesOfTheLab(): Promise<ReadonlyMap<string, string>> {
  const cluster = await clusterFact.read(instance);
  const vault = await vaultFact.read(instance);
  const { commandLine } = await startIssuers(instance, await ensureCertificates(instance));
  const infra = forge.cloneUrl(owner, "infra");
  return new Map([
    ["https://upstream.example/workstations.git", join(folder, "upstream")],
    ["https://forgejo.internal.example/ops/infra.git", infra],
    ["https://mirror.example/infra.git", infra],
    ["https://forgejo.internal.example", forge.url],
    ["https://api.cluster.internal.example:6443", cluster.server],
    ["https://authentik.example/application/o/kubernetes/", commandLine.url],
    ["https://vault.internal.example:8200", vault.address],
    // No ingress of the lab serves the portal; the sign-in service has a certificate and asks for a sign-in as one would.
    ["https://lobby.example", new URL(commandLine.url).origin],
    ["devvm.internal.example", stack.vm.address],
    ["10.0.0.5", stack.vm.address],
    ["LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==", (await readFile(cluster.caFile)).toString("base64")],
    ["/var/lib/workstation-deploy", join(folder, "runner")],
    // The lab's sign-in service offers no device code.
    ["device-code", "authcode"],
    ["owner: ops", `owner: ${owner}`],
    ["ops/infra", `${owner}/infra`],
    ["@example.org", "@lab.example"],
  ]);
}

/** The longest first: one may be the beginning of another. */
function withValuesOfTheLab(text: string): string {
  const longestFirst = [...replaced].sort(([one], [other]) => other.length - one.length);
  return longestFirst.reduce((rest, [from, to]) => rest.replaceAll(from, to), text);
}

/** What happens outside of the page's blocks. */
const EVENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  "the authority of Vault's certificate is in the home": async () =>
    cp((await vaultFact.read(instance)).caFile, join(folder, "vault-ca.pem")),
  "the authority of the other certificates is in the home": async () =>
    cp((await ensureCertificates(instance)).ca.cert, join(folder, "site-ca.pem")),
  "the outside programs are installed on devvm": () =>
    stack.sh(`for name in kubectl kubectl-oidc_login; do install -m 755 /usr/bin/true /usr/local/bin/$name; done
printf '#!/bin/sh\\ntest -n "$VAULT_ADDR" && test -n "$VAULT_TOKEN"\\n' > /usr/local/bin/claude-credential-sync
chmod 755 /usr/local/bin/claude-credential-sync`),
  "secret/platform holds another field": async () =>
    (await administrator()).must("POST", "secret/data/platform", { data: { neighbour: "kept" } }),
  "the password of workstation-bot is in the file": async () => {
    const file = join(folder, "password");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await appendFile(file, `${password}\n`);
  },
  "the runner's folder is there": () => mkdir(join(folder, "runner"), { mode: 0o700 }),
};

async function administrator(): Promise<LabVault> {
  const { address, caFile, rootToken } = await vaultFact.read(instance);
  return labVault(address, caFile, rootToken);
}

async function readPlatform(): Promise<object> {
  const secret = (await (await administrator()).must("GET", "secret/data/platform")) as { data: { data: object } };
  return secret.data.data;
}

const exported = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join("");

const ANY = Array.from({ length: 256 }, (_, code) => code);

/** One shell goes through the whole page: each block begins in the folder and with the variables that the last one ended with. */
async function shell(script: string): Promise<{ readonly code: number; readonly said: string }> {
  const [environment, place] = [join(folder, "environment"), join(folder, "place")];
  const kept = `. ${environment}; cd "$(cat ${place} 2>/dev/null || echo ${folder})"; trap 'export -p > ${environment}; pwd > ${place}' EXIT`;
  const ran = await run(["/bin/bash", "-euo", "pipefail", "-c", `exec 2>&1\n${kept}\n${script}`], {
    ...{ cwd: folder, accept: ANY, timeoutMs: 900_000 },
  });
  return { code: ran.code, said: ran.stdout };
}

test("the page names every value that is replaced here", () => {
  const named = /<!-- test: replaces (.*) -->/.exec(page)?.[1]?.split(", ");
  expect(named).toEqual([...replaced.keys()]);
  for (const value of replaced.keys())
    expect([value, blocks.some(({ script }) => script.includes(value))]).toEqual([value, true]);
});

test(
  "docs/getting-started.md leads from a clone to the first offboarding",
  async () => {
    for (const { line, script, says, notRun, code, events } of blocks) {
      const at = `${PAGE}:${line}`;
      if (notRun !== undefined) {
        transcript.push(`## ${at}: not run here: ${notRun}`, "", ...script.split("\n"), "");
        continue;
      }
      for (const event of events.filter((one) => !one.startsWith("replaces "))) {
        const happens = EVENTS[event];
        if (happens === undefined) throw new Error(`${at}: this test knows no "${event}"`);
        await happens();
        transcript.push(`## ${at}: meanwhile, ${event}`, "");
      }
      const command = withValuesOfTheLab(script);
      const ended = await shell(command);
      transcript.push(`## ${at}: ended with ${ended.code}`, "", ...command.split("\n").map((one) => `$ ${one}`));
      transcript.push(ended.said);
      if (ended.code !== code) throw new Error(`${at}: ended with ${ended.code} and not with ${code}:\n${ended.said}`);
      const missing = missingIn(ended.said, says.map(withValuesOfTheLab));
      if (missing !== undefined) throw new Error(`${at}: it did not say "${missing}" but:\n${ended.said}`);
    }
  },
  PAGE_MS,
);

test("the user map was written beside what the secret held", async () => {
  expect(Object.keys(await readPlatform()).sort()).toEqual(["k8s_users", "neighbour"]);
});

test("the repository that the page filled is the protected one, and takes its admin's pushes", async () => {
  const rule = await forge.api.must("GET", `repos/${owner}/infra/branch_protections/master`);
  expect(rule).toMatchObject({
    enable_push_whitelist: true,
    push_whitelist_usernames: expect.arrayContaining([ADMIN]),
  });
  const [newest] = (await forge.api.must("GET", `repos/${owner}/infra/commits?limit=1`)) as Commit[];
  expect(newest?.commit.message.trim()).toBe("Offboard practice");
});

interface Commit {
  readonly commit: { readonly message: string };
}

test("the credential sync's token opens its person's path, and the one of the offboarded user nothing", async () => {
  const { rootToken } = await vaultFact.read(instance);
  const vault = await administrator();
  const file = (who: string) => `/home/${who}/.config/credential-sync/vault.env`;
  expect(await stack.sh(`stat --format '%a %U' ${file("emo")}`)).toBe("600 emo");
  const tokenOf = (who: string) => stack.sh(`sed -n 's/^VAULT_TOKEN=//p' ${file(who)}`);
  const tokens = [await tokenOf("emo"), await tokenOf("practice")];
  const path = "secret/data/workstation/claude-users/emo";
  const answers = await Promise.all(
    tokens.map((token) => vault.ask("POST", path, { data: { synced: true } }, token === "" ? "none" : token)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 403]);
  const practice = await vault.ask("GET", "auth/token/lookup-self", undefined, tokens[1] ?? "");
  expect(practice.status).toBe(403);
  const held = await stack.sh("cat /root/.ssh/authorized_keys | wc -l");
  expect(held).toBe("2");
  const secrets = [...tokens, password, rootToken, forge.passwords[ADMIN] ?? ""];
  expect(secrets.filter((secret) => secret === "" || transcript.join("\n").includes(secret))).toEqual([]);
});
