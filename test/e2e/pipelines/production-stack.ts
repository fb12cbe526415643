/** A production stack in the lab as its pipelines see it: a repository on the forge, people who push, a chat, and the servers. */

import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseDocument, stringify } from "yaml";
import { clusterFact } from "../../../lab/cluster/cluster.ts";
import { type Forge, findForge, type ForgeLogin, gitEnv } from "../../../lab/forge/index.ts";
import { type Instance, instanceName, openInstance } from "../../../lab/instance.ts";
import { PROJECT } from "../../../lab/pulumi/engine.ts";
import { writeStackConfig } from "../../../lab/pulumi/stack-config.ts";
import { run } from "../../../lab/run.ts";
import { labVault } from "../../../lab/vault/api.ts";
import { vaultFact } from "../../../lab/vault/vault.ts";
import { LINK_PACKAGES, linkPackages } from "../fixtures/link-packages.ts";
import { type Between, standBetween } from "../fixtures/recording-proxy.ts";
import { everybody } from "../people/sample.ts";
import { freshStack, type Rows } from "../people/stack.ts";
import { runPipeline, type StepRan } from "./woodpecker.ts";

type Login = Exclude<ForgeLogin, "anonymous">;

export interface World {
  readonly lab: Instance;
  readonly forge: Forge;
  readonly repo: string;
  /** The admin of the roster, and one who may push and is none. */
  readonly wizard: Login;
  readonly emo: Login;
  /** Everything asked of the forge by way of the program's or a step's address for it. */
  readonly between: Between;
  /** What the chat was told, oldest first. */
  readonly chat: string[];
  /** Answers in the chat's place where a test says so. */
  chatStatus: number;
  /** Every secret of the pipelines and of the program, by what it is: none of them may ever be shown. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Everything that any step printed. */
  readonly logs: string[];
  readonly env: Readonly<Record<string, string>>;
  /** Changes files on top of a branch and pushes. @returns the commit */
  push(as: Login, change: Change): Promise<{ readonly commit: string; readonly ok: boolean; readonly said: string }>;
  tag(as: Login, name: string, commit: string): Promise<boolean>;
  pipeline(
    file: string,
    variables: Readonly<Record<string, string>>,
    how?: PipelineOptions,
  ): Promise<readonly StepRan[]>;
  api(as: ForgeLogin, method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>;
  history(): Promise<readonly Update[]>;
  kubectl(...args: readonly string[]): Promise<string>;
  readonly stateFolder: string;
  /** What could have been written to, and every write that a preview asked for. */
  seen(): Promise<Seen>;
  /** What becomes of a write by each of the preview's credentials. */
  tryToWrite(): Promise<Readonly<Record<string, string | number>>>;
  /** Everything that lies where previews start from. */
  published(): Promise<string>;
  /** A script on the host, as root; its output. */
  sh(script: string): Promise<string>;
  /** Deploys as an admin does it by hand: from a checkout of the branch. */
  deployByHand(branch?: string): Promise<void>;
  close(): Promise<void>;
}

export interface PipelineOptions {
  /** Whether the step `board` runs. It asks every surface about everybody, and what it finds is its own tests'. Default: no. */
  readonly board?: boolean;
  readonly onLog?: (log: string) => void;
}

/** One run of the engine, as its history has it. */
export interface Update {
  readonly message: string;
  readonly result: string;
  readonly environment: Readonly<Record<string, string>>;
}

export interface Seen {
  /** A checksum of the stack's state and of what previews start from. */
  readonly state: string;
  /** Writes to the API server as the preview's account that were not refused, by their audit lines. */
  readonly apiWrites: readonly string[];
  /** What the preview's token asked of Vault, as in `read auth/token/lookup-self`. */
  readonly vaultRequests: readonly string[];
  /** Method and path of every write to the forge through the program's address for it. */
  readonly forgeWrites: readonly string[];
}

interface VaultAudit {
  readonly type: string;
  readonly auth?: { readonly display_name?: string };
  readonly request: { readonly operation: string; readonly path: string };
}

export interface Change {
  readonly on?: string;
  readonly to: string;
  readonly message?: string;
  readonly author?: string;
  /** null removes the file. */
  readonly files: Readonly<Record<string, string | null>>;
}

export const rosterText = (rows: Rows): string => stringify({ users: rows });

/** The sample roster; its admin has a login on the forge here. */
export const ROWS: Rows = { ...everybody, wizard: { ...everybody.wizard, forgejo: { login: "wizard" } } };

export interface WorldOptions {
  /** Starts what keeps the stack's state in the folder `state` below the given one. Default: the folder itself. */
  readonly backend?: (dir: string) => Promise<Readonly<Record<string, string>>>;
}

export async function openWorld({ backend }: WorldOptions = {}): Promise<World> {
  const lab = await openInstance(instanceName({ WS_LAB: "test", ...process.env }));
  const forge = await findForge(lab);
  const cluster = await clusterFact.read(lab);
  const { engine, sh } = await freshStack();
  const id = Date.now().toString(36);
  const repo = `pipelines-${id}`;
  const dir = await mkdtemp(join(tmpdir(), "pipelines-"));
  const between = await standBetween(forge.url);
  await writeStackConfig(lab, engine, [[["forgejo", "url"], between.url]]);
  const passphrase = `passphrase-canary-${id}`;

  const must = (method: string, path: string, body?: object) =>
    forge.api.must(method, `repos/${forge.owner}/${repo}${path}`, body);
  await forge.createRepository(forge.owner, repo, { isPrivate: true });
  const wizard = { login: "wizard", password: forge.passwords.wizard ?? "" };
  const emo = { login: "ebarzin", password: forge.passwords.ebarzin ?? "" };
  const bot = await forge.createUser(`bot-${id}`);
  await must("PUT", `/collaborators/${emo.login}`, { permission: "write" });
  await must("PUT", `/collaborators/${bot.login}`, { permission: "read" });
  // The roster's admin owns the organisation, as an admin does.
  const teams = (await forge.api.must("GET", `orgs/${forge.owner}/teams`)) as readonly { id: number; name: string }[];
  const owners = teams.find(({ name }) => name === "Owners");
  await forge.api.must("PUT", `teams/${owners?.id}/members/${wizard.login}`);
  const token = async (of: Login, name: string, scopes: readonly string[]) => {
    const { body } = await forge.api.ask("POST", `users/${of.login}/tokens`, { name: `${name}-${id}`, scopes }, of);
    return (body as { readonly sha1: string }).sha1;
  };
  const admin = forge.admin as Login;

  const chat: string[] = [];
  const receiver = createServer((incoming, reply) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (part: string) => {
      body += part;
    });
    incoming.on("end", () => {
      chat.push((JSON.parse(body) as { readonly text: string }).text);
      reply.writeHead(world.chatStatus).end("ok");
    });
  });
  await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));

  const seed = join(dir, "seed");
  await copyProject(seed);
  await writeFile(join(seed, "roster.yaml"), rosterText(ROWS));
  const image = await imageOf(dir, engine.env);
  const workspace = join(dir, "workspace");
  const previews = `file://${join(dir, "previews")}`;
  await Promise.all(["state", "previews", COMPILED].map((name) => mkdir(join(dir, name))));
  const state = {
    ...((await backend?.(dir)) ?? { PULUMI_BACKEND_URL: `file://${join(dir, "state")}` }),
    PULUMI_CONFIG_PASSPHRASE: passphrase,
  };
  const env = { ...image, ...state };
  const own = await encryptAnew(engine.configFile, seed, env);

  const url = forge.cloneUrl(forge.owner, repo);
  const git = (as: ForgeLogin, argv: readonly string[], accept = [0], env = {}) =>
    run(["git", ...argv], { cwd: seed, env: { ...gitEnv(as), ...env }, accept });
  for (const argv of [
    ["init", "--quiet", "--initial-branch=master"],
    ["add", "--all"],
    ["commit", "--quiet", "--message=Begin"],
    ["push", "--quiet", url, "master"],
  ])
    await git(admin, argv);

  // As deep as the pipelines' checkouts: a bundle names linked packages by their relative paths.
  const operator = join(dir, "operator", "checkout");
  await git(admin, ["clone", "--quiet", url, operator]);
  await linkPackages(operator);

  const secrets = new Map(
    Object.entries({
      ws_state_environment: Object.entries(state)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
      passphrase,
      ...own,
      ws_forge_user: admin.login,
      ws_forge_token: await token(admin, "read", ["read:repository", "read:user", "read:issue"]),
      ws_chat_webhook: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook-canary-${id}`,
      ws_comment_user: bot.login,
      ws_comment_token: await token(bot, "comment", ["write:issue", "read:user", "read:repository"]),
      ...Object.fromEntries(
        ["ws_preview_environment", "ws_preview_write_environment"].map((name) => [
          name,
          `PULUMI_BACKEND_URL=${previews}\nPULUMI_CONFIG_PASSPHRASE=preview-passphrase-${id}\n`,
        ]),
      ),
      preview_passphrase: `preview-passphrase-${id}`,
      ws_preview_kubeconfig: await readersKubeconfig(cluster),
      ws_preview_vault_token: await readersVaultToken(lab),
      ws_preview_forge_token: await token(admin, "preview", ["read:repository", "read:user", "read:misc"]),
    }),
  );
  const logs: string[] = [];
  const vaultLog = await vaultRecord(lab, id);
  const world: World = {
    ...{ lab, forge, repo, wizard, emo, between, chat, chatStatus: 200, secrets, logs, env, sh },
    push: async (as, { on = "refs/heads/master", to, message = "Change", author, files }) => {
      await git(admin, ["fetch", "--quiet", url, on]);
      await git(admin, ["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"]);
      for (const [path, text] of Object.entries(files)) {
        await rm(join(seed, path), { force: true, recursive: true });
        if (text === null) continue;
        await mkdir(dirname(join(seed, path)), { recursive: true });
        if (text.startsWith("link:")) await symlink(text.slice(5), join(seed, path));
        else await writeFile(join(seed, path), text);
      }
      await git(admin, ["add", "--all"]);
      const who = author === undefined ? {} : { GIT_AUTHOR_NAME: author, GIT_COMMITTER_NAME: author };
      await git(admin, ["commit", "--quiet", "--allow-empty", `--message=${message}`], [0], who);
      const commit = (await git(admin, ["rev-parse", "HEAD"])).stdout.trim();
      const ran = await git(as, ["push", "--quiet", url, `HEAD:${to}`], [0, 1]);
      return { commit, ok: ran.code === 0, said: ran.stderr };
    },
    tag: async (as, name, commit) => {
      await git(as, ["tag", "--force", "--annotate", "--message=confirmed", name, commit]);
      return (await git(as, ["push", "--force", url, `refs/tags/${name}`], [0, 1])).code === 0;
    },
    pipeline: async (file, variables, { board = false, onLog } = {}) => {
      const text = await readFile(join(PROJECT, ".woodpecker", file), "utf8");
      const common = {
        CI: "woodpecker",
        CI_FORGE_URL: between.url,
        CI_REPO_OWNER: forge.owner,
        CI_REPO_NAME: repo,
        CI_REPO_CLONE_URL: url,
        CI_PIPELINE_URL: "http://ci.lab.example/repos/1/pipeline/7",
        // What the server says of the commit's author is the author's to choose.
        CI_COMMIT_AUTHOR: "wizard",
      };
      const ran = await runPipeline(text, {
        variables: { ...common, ...variables },
        secrets: Object.fromEntries(secrets),
        image,
        workspace,
        onLog: (_step, log) => onLog?.(log),
        without: board ? [] : ["board"],
      });
      logs.push(...ran.map(({ log }) => log));
      for (const name of ["trusted", "deployed"])
        await rename(join(workspace, name, "node_modules/.cache"), join(dir, COMPILED, name)).catch(unlessAbsent);
      return ran;
    },
    api: async (as, method, path, body) => forge.api.ask(method, `repos/${forge.owner}/${repo}${path}`, body, as),
    history: async () => {
      const { stdout } = await run(
        ["pulumi", "stack", "history", "--json", "--stack", "organization/workstation/prod"],
        { env },
      );
      return JSON.parse(stdout) as Update[];
    },
    kubectl: async (...args) =>
      (await run([cluster.kubectl, `--kubeconfig=${cluster.adminKubeconfig}`, ...args], { timeoutMs: 120_000 })).stdout,
    stateFolder: join(dir, "state"),
    seen: async () => {
      const sums = await run(["sh", "-c", "find state previews -type f | sort | xargs sha256sum"], { cwd: dir });
      const lines = async (file: string) => (await readFile(file, "utf8")).split("\n");
      const asked = (await lines(cluster.auditLog)).filter((line) => line.includes(":workstation-preview"));
      return {
        state: sums.stdout,
        apiWrites: asked.filter((line) => !/"code":403/.test(line)),
        vaultRequests: (await lines(vaultLog)).flatMap((line) => {
          if (line === "") return [];
          const { type, auth, request } = JSON.parse(line) as VaultAudit;
          return type === "request" && auth?.display_name?.includes("workstation-preview")
            ? [`${request.operation} ${request.path}`]
            : [];
        }),
        forgeWrites: between.seen.flatMap(({ method, path }) => (method === "GET" ? [] : [`${method} ${path}`])),
      };
    },
    tryToWrite: async () => {
      const kubeconfig = join(dir, "reader");
      await writeFile(kubeconfig, secrets.get("ws_preview_kubeconfig") ?? "", { mode: 0o600 });
      const kubectl = async (...args: string[]) =>
        (await run([cluster.kubectl, `--kubeconfig=${kubeconfig}`, ...args], { accept: [0, 1] })).stderr;
      const refused = (said: string) => (/forbidden/i.test(said) ? "forbidden" : said);
      const reader = { login: admin.login, password: secrets.get("ws_preview_forge_token") ?? "" };
      const { vault } = await openVault(lab);
      const data = { data: { k8s_users: "{}" } };
      const wrote = await vault.ask("POST", "secret/data/platform", data, secrets.get("ws_preview_vault_token"));
      const edited = await forge.api.ask("PATCH", `repos/${forge.owner}/${repo}`, { description: "x" }, reader);
      return {
        cluster: refused(await kubectl("create", "namespace", "by-a-preview")),
        secrets: refused(await kubectl("get", "secrets", "--all-namespaces")),
        vault: wrote.status,
        forge: edited.status,
        push: (await git(reader, ["push", url, "HEAD:refs/heads/by-a-preview"], [0, 1, 128])).code === 0 ? 0 : 1,
      };
    },
    published: async () => (await run(["grep", "--recursive", "", "previews"], { cwd: dir })).stdout,
    deployByHand: async (branch = "master") => {
      const inCheckout = (...argv: string[]) => git(admin, ["-C", operator, ...argv]);
      await inCheckout("fetch", "--quiet", url, branch);
      await inCheckout("checkout", "--quiet", "--force", "-B", branch, "FETCH_HEAD");
      const up = ["up", "--yes", "--skip-preview", "--non-interactive", "--suppress-outputs", "--stack=prod"] as const;
      const ran = await run(["pulumi", ...up], { cwd: operator, env, timeoutMs: 900_000, accept: [0, 1, 255] });
      if (ran.code !== 0) throw new Error(ran.stdout.slice(-4000));
    },
    close: async () => {
      const { vault } = await openVault(lab);
      await vault.must("DELETE", `sys/audit/pipelines-${id}`);
      await between.close();
      receiver.closeAllConnections();
      await new Promise((done) => receiver.close(done));
      await rm(dir, { recursive: true });
    },
  };
  return world;
}

/** The lab's settings as the production stack's, encrypted by its own passphrase. @returns the plain secrets */
async function encryptAnew(from: string, folder: string, env: Readonly<Record<string, string>>) {
  const document = parseDocument(await readFile(from, "utf8"));
  const shown = [
    "config",
    "--json",
    "--show-secrets",
    "--stack=lab",
    `--config-file=${from}`,
    "--non-interactive",
  ] as const;
  const lab = { ...env, PULUMI_BACKEND_URL: `file://${join(dirname(from), "state")}`, PULUMI_CONFIG_PASSPHRASE: "lab" };
  const { stdout } = await run(["pulumi", ...shown], { cwd: PROJECT, env: lab });
  const all = JSON.parse(stdout) as Record<string, { readonly value: string; readonly secret: boolean }>;
  const plain = Object.entries(all).flatMap(([key, { value, secret }]) => (secret ? [[key, value] as const] : []));
  for (const [key] of plain) document.deleteIn(["config", key]);
  document.delete("encryptionsalt");
  await writeFile(join(folder, "Pulumi.prod.yaml"), document.toString({ lineWidth: 0 }));
  await run(["pulumi", "stack", "init", "prod", "--non-interactive"], { cwd: folder, env });
  for (const [key, input] of plain)
    await run(["pulumi", "config", "set", "--secret", "--stack=prod", key], { cwd: folder, env, input });
  return Object.fromEntries(plain);
}

/** The project's files as they are now; what git ignores stays out. */
async function copyProject(to: string): Promise<void> {
  const { stdout } = await run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: PROJECT,
  });
  for (const path of stdout.split("\0").filter((one) => one !== "" && !/^(test|lab)\//.test(one))) {
    await mkdir(dirname(join(to, path)), { recursive: true });
    await cp(join(PROJECT, path), join(to, path)).catch(unlessAbsent);
  }
}

/** Programs that a run compiled, by checkout. The next run in the same workspace starts with them. */
const COMPILED = "compiled";

const unlessAbsent = (cause: NodeJS.ErrnoException) => {
  if (cause.code !== "ENOENT") throw cause;
};

/** What the steps' image would bring; `npm ci` takes the packages that are installed here, and what was compiled before. */
async function imageOf(dir: string, engine: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const bin = join(dir, "bin");
  await mkdir(bin);
  const npm = [
    ...["#!/bin/sh", "set -e", 'test "$1 $2" = "ci --ignore-scripts"', LINK_PACKAGES],
    `compiled=${join(dir, COMPILED)}/$(basename "$PWD")`,
    'if test -d "$compiled"; then mv "$compiled" node_modules/.cache; fi\n',
  ];
  await writeFile(join(bin, "npm"), npm.join("\n"), { mode: 0o755 });
  const { PULUMI_BACKEND_URL: _url, PULUMI_CONFIG_PASSPHRASE_FILE: _file, ...rest } = engine;
  return { ...rest, PATH: `${bin}:${engine.PATH}`, HOME: dir, LANG: "C.UTF-8" };
}

async function readersKubeconfig({
  kubectl,
  adminKubeconfig,
}: {
  readonly kubectl: string;
  readonly adminKubeconfig: string;
}) {
  const admin = (...args: string[]) => run([kubectl, `--kubeconfig=${adminKubeconfig}`, ...args]);
  await admin("apply", "--server-side", "--filename", join(PROJECT, "ci/preview-role.yaml"));
  const { stdout } = await admin(
    "create",
    "token",
    "workstation-preview",
    "--namespace=kube-system",
    "--duration=8760h",
  );
  const config = parseDocument(await readFile(adminKubeconfig, "utf8"));
  config.setIn(["users", 0, "user"], config.createNode({ token: stdout.trim() }));
  return config.toString();
}

async function openVault(lab: Instance) {
  const { address, caFile, rootToken } = await vaultFact.read(lab);
  return { vault: await labVault(address, caFile, rootToken) };
}

/** Vault writes down every request to it. @returns where */
async function vaultRecord(lab: Instance, id: string): Promise<string> {
  const file = lab.path("vault", `audit-${id}.log`);
  const { vault } = await openVault(lab);
  await vault.must("PUT", `sys/audit/pipelines-${id}`, { type: "file", options: { file_path: file } });
  return file;
}

async function readersVaultToken(lab: Instance): Promise<string> {
  const { vault } = await openVault(lab);
  // Every token may look itself up by this policy; a preview needs no more.
  const made = (await vault.must("POST", "auth/token/create", {
    policies: ["default"],
    display_name: "workstation-preview",
    no_parent: true,
    period: "768h",
  })) as {
    readonly auth: { readonly client_token: string };
  };
  return made.auth.client_token;
}
