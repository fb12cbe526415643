/**
 * Tests that secrets which are placed everywhere the program meets one are found nowhere else. Each search is shown to
 * find what it looks for.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parseDocument, stringify } from "yaml";
import { clusterFact } from "../../lab/cluster/cluster.ts";
import { ensureImage } from "../../lab/cluster/images.ts";
import { nodeImage } from "../../lab/cluster/node-image.ts";
import { forgeFact } from "../../lab/forge/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";
import { labVault } from "../../lab/vault/api.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { leaksIn } from "./canaries/leaks.ts";
import { changed, everybody } from "./people/sample.ts";
import { freshStack, type PeopleStack, type Rows } from "./people/stack.ts";

// Two previews, an update and four runs that fail, each with everything of the stack.
vi.setConfig({ testTimeout: 900_000 });

/** Nothing but chance, so that no word of a sentence is a piece of it; the end is what escaping and encoding change. */
const secret = () => `${randomBytes(24).toString("base64url")}/+"`;
/** Without what a URL, a shell or an environment file would take for something else. */
const word = () => randomBytes(24).toString("hex");

let stack: PeopleStack;
const folder = mkdtempSync(join(tmpdir(), "ws-canaries-"));
const planted = new Map<string, string>([
  ["passphrase of the stack", secret()],
  ["secret between ingress and injector", secret()],
  ["secret between ingress and host", secret()],
  ["another field of the user map's secret", secret()],
  ["rclone's configuration", secret()],
  ["own line of ~/.git-credentials", word()],
  ["password in a remote's address", word()],
  ["own SSH key of a person", secret()],
  ["own line of an environment file", word()],
  ["refused token of Vault", word()],
  ["refused password of the forge", secret()],
  ["refused token of the cluster", word()],
  ["SSH key that is none", secret()],
]);
const of = (name: string): string => {
  const found = planted.get(name);
  if (found === undefined) throw new Error(`nothing is planted as ${name}`);
  return found;
};
/** Everything that the engine and the program said. */
const said: string[] = [];
let config: string;

/** On the host and here: what of other people's processes anybody may read, looked at again and again. */
const SAMPLER = `
const fs = require("node:fs");
const seen = new Set();
const look = () => {
  for (const pid of fs.readdirSync("/proc")) {
    if (!/^\\d+$/.test(pid) || pid === String(process.pid)) continue;
    for (const file of ["cmdline", "environ"]) {
      try {
        const text = fs.readFileSync("/proc/" + pid + "/" + file, "latin1");
        if (text === "" || seen.has(text)) continue;
        seen.add(text);
        process.stdout.write(text.replaceAll("\\0", " ") + "\\n");
      } catch (error) { if (!["ENOENT", "EACCES", "ESRCH", "EPERM"].includes(error.code)) throw error; }
    }
  }
};
setInterval(look, 15);
`;
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
const samplers: ChildProcess[] = [];
let here = "";

/**
 * Git hands the address of a remote to its helper as an argument, whoever fetches: a password that a person has put there is
 * their own to take out (docs/security.md), and it is looked for everywhere else.
 */
const notInProcesses = () => new Map([...planted].filter(([name]) => name !== "password in a remote's address"));

async function startSamplers(): Promise<void> {
  writeFileSync(join(folder, "sampler.js"), SAMPLER);
  const [file = "", ...args] = [...AS_NOBODY, process.execPath, "-e", SAMPLER];
  const local = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"], env: {} });
  local.stdout?.setEncoding("latin1").on("data", (text: string) => (here += text));
  samplers.push(local);
  await stack.vm.ssh("cat > /usr/local/share/sampler.js", { input: SAMPLER });
  await stack.sh(
    "systemd-run --quiet --unit=sampler --uid=65534 -p StandardOutput=append:/var/tmp/sampled /usr/bin/node /usr/local/share/sampler.js",
  );
}

const pulumi = async (args: readonly string[], file = config) => {
  const env = { PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, "passphrase") };
  const target = ["--stack", stack.target[1] ?? "", ...(args[0] === "stack" ? [] : ["--config-file", file])];
  const ran = await stack.engine.pulumi([...args, ...target], { env, accept: ANY, timeoutMs: 540_000 });
  said.push(ran.stdout, ran.stderr);
  return ran;
};
const ANY = Array.from({ length: 256 }, (_, code) => code);

const set = async (path: string, value: string, file = config) => {
  const env = { PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, "passphrase") };
  const args = ["config", "set", "--secret", "--path", path, "--stack", stack.target[1] ?? "", "--config-file", file];
  await stack.engine.pulumi(args, { env, input: value });
};

const roster = (rows: Rows) => writeFileSync(join(folder, "roster.yaml"), stringify({ users: rows }));

const dashboard = {
  namespace: "kubernetes-dashboard",
  createNamespace: true,
  backend: { origin: "http://backend.kubernetes-dashboard.svc:80" },
  ingress: {
    ...{ host: "dashboard.lab.example", className: "traefik", forwardAuth: { value: "auth@kubernetescrd" } },
    controller: { namespace: "traefik", podLabels: { app: "traefik" } },
  },
};

beforeAll(async () => {
  stack = await freshStack();
  const instance = await openInstance(instanceName());
  await ensureImage(instance, nodeImage);
  const [cluster, forge, vault] = [
    await clusterFact.read(instance),
    await forgeFact.read(instance),
    await vaultFact.read(instance),
  ];
  await stack.prepare(everybody, [
    [["cluster", "dashboard"], dashboard],
    [["devvm", "adoptExisting"], ["emo"]],
    [["devvm", "gate"], { listen: { address: stack.vm.address, port: 8900 } }],
    [["devvm", "ingressSecret"], { header: "X-Ingress-Secret" }],
  ]);
  await plantForeign(vault.address, vault.caFile, vault.rootToken);
  await startSamplers();
  // The lab's own passphrase is a word of every sentence: this stack has another one, and its secrets anew.
  writeFileSync(join(folder, "passphrase"), of("passphrase of the stack"), { mode: 0o600 });
  config = join(folder, "Pulumi.yaml");
  const document = parseDocument(readFileSync(stack.engine.configFile, "utf8"));
  document.delete("encryptionsalt");
  for (const key of ["sshPrivateKey", "kubeconfig", "forgejoPassword", "vaultToken"])
    document.deleteIn(["config", `workstation:${key}`]);
  document.setIn(["config", "workstation:roster"], join(folder, "roster.yaml"));
  writeFileSync(config, document.toString({ lineWidth: 0 }));
  const privateKey = readFileSync(stack.vm.privateKeyPath, "utf8");
  const kubeToken = await tokenOfTheProgram();
  planted.set("SSH key of the program", seedOf(privateKey));
  planted.set("token in the kubeconfig", signatureOf(kubeToken));
  planted.set("token of Vault", vault.programToken);
  planted.set("password of the forge's administrator", forge.adminPassword);
  await set("sshPrivateKey", privateKey);
  await set("kubeconfig", kubeconfigWith(readFileSync(cluster.adminKubeconfig, "utf8"), kubeToken));
  await set("vaultToken", vault.programToken);
  await set("forgejoPassword", forge.adminPassword);
  await set("cluster.dashboard.sharedSecret.value", of("secret between ingress and injector"));
  await set("devvm.ingressSecret.value", of("secret between ingress and host"));
  roster(everybody);
});
afterAll(async () => {
  for (const sampler of samplers) sampler.kill();
  await stack.kubectl(["delete", "clusterrolebinding", "ws-canary", "--ignore-not-found"]);
  await stack.kubectl(["delete", "serviceaccount", "ws-canary", "--namespace=kube-system", "--ignore-not-found"]);
  rmSync(folder, { recursive: true });
});

/** Secrets of others that lie where the program works: it has no business with any of them. */
async function plantForeign(address: string, caFile: string, rootToken: string): Promise<void> {
  const vault = await labVault(address, caFile, rootToken);
  const { data } = ((await vault.must("GET", "secret/data/platform")) as { data: { data: { k8s_users: string } } })
    .data;
  const neighbour = { k8s_users: data.k8s_users, api_key: of("another field of the user map's secret") };
  await vault.must("POST", "secret/data/platform", { data: neighbour });
  await vault.must("POST", "secret/data/stem95su", { data: { rclone_conf: of("rclone's configuration") } });
  const own = [
    "set -e; useradd --uid 20001 --create-home --shell /bin/zsh emo; cd /home/emo",
    `install -d -m 700 -o emo -g emo .ssh code; install -d /etc/t3-serve`,
    `cat > .ssh/id_ed25519 <<'END'\n${of("own SSH key of a person")}\nEND`,
    `echo 'https://emo:${of("own line of ~/.git-credentials")}@elsewhere.example' > .git-credentials`,
    `echo 'API_KEY=${of("own line of an environment file")}' > /etc/t3-serve/emo.env`,
    "git init -q code && git config --file code/.git/config remote.mirror.url " +
      `'http://emo:${of("password in a remote's address")}@127.0.0.1:1/gone.git'`,
    "chmod 600 .ssh/id_ed25519 .git-credentials /etc/t3-serve/emo.env; chown -R emo: .ssh .git-credentials code /etc/t3-serve/emo.env; chmod 700 .",
  ];
  await stack.vm.ssh("bash -s", { input: own.join("\n") });
}

async function tokenOfTheProgram(): Promise<string> {
  await stack.kubectl(["create", "serviceaccount", "ws-canary", "--namespace=kube-system"], [0, 1]);
  const bind = [
    "create",
    "clusterrolebinding",
    "ws-canary",
    "--clusterrole=cluster-admin",
    "--serviceaccount=kube-system:ws-canary",
  ];
  await stack.kubectl(bind, [0, 1]);
  return (
    await stack.kubectl(["create", "token", "ws-canary", "--namespace=kube-system", "--duration=2h"])
  ).stdout.trim();
}

function kubeconfigWith(text: string, token: string): string {
  const document = JSON.parse(text) as { users: { name: string; user: object }[] };
  const [user] = document.users;
  if (user === undefined) throw new Error("the lab's kubeconfig names nobody");
  return JSON.stringify({ ...document, users: [{ name: user.name, user: { token } }] });
}

/** What makes a cluster's token one: its head is the same in every other, and no secret. */
const signatureOf = (token: string): string => token.slice(token.lastIndexOf(".") + 1);

/** The secret half of an ed25519 key as it stands in its file: the rest tells nothing that the public key does not. */
function seedOf(pem: string): string {
  const text = pem.replace(/-----[^-]+-----|\s/g, "");
  const body = Buffer.from(text, "base64");
  const start = body.indexOf("ssh-ed25519") + "ssh-ed25519".length + 4;
  const seed = body.lastIndexOf(body.subarray(start, start + 32)) - 32;
  return text.slice(Math.ceil(seed / 3) * 4, Math.floor((seed + 32) / 3) * 4);
}

test("a deployment with all of them ends well", async () => {
  for (const how of ["--diff", "--json"]) await pulumi(["preview", how]);
  const ran = await pulumi(["up", "--yes", "--skip-preview", "--diff"]);
  expect(`${ran.code} ${ran.stdout}${ran.stderr}`).toMatch(/^0 /);
  planted.set("clone token of a person", await tokenIn("emo"));
  const asked = ["get", "secret", "--namespace=plotting-book", "--output=jsonpath={.items[*].data.token}"];
  const [dashboardToken = ""] = (await stack.kubectl(asked)).stdout.split(" ");
  planted.set("token of a person's dashboard", signatureOf(Buffer.from(dashboardToken, "base64").toString("utf8")));
  expect(planted.size).toBeGreaterThanOrEqual(19);
  expect([...planted.values()].filter((value) => value.length < 16)).toEqual([]);
});

const tokenIn = async (who: string) =>
  await stack.sh(`sed -n 's#.*//ebarzin:\\([^@]*\\)@.*#\\1#p' /home/${who}/.git-credentials`);

test("errors are provoked on every surface, and each says what went wrong", async () => {
  const broken = async (path: string, value: string, args: readonly string[]) => {
    const file = join(folder, `Pulumi.${path}.yaml`);
    copyFileSync(config, file);
    await set(path, value, file);
    return pulumi(args, file);
  };
  const vault = await broken("vaultToken", of("refused token of Vault"), ["preview", "--diff"]);
  expect([vault.code === 0, `${vault.stdout}${vault.stderr}`]).toEqual([false, expect.stringMatching(/403|may not/)]);
  const forge = await broken("forgejoPassword", of("refused password of the forge"), ["preview", "--json"]);
  expect([forge.code === 0, `${forge.stdout}${forge.stderr}`]).toEqual([
    false,
    expect.stringMatching(/credentials are not accepted|401/),
  ]);
  const kube = readFileSync((await clusterFact.read(await openInstance(instanceName()))).adminKubeconfig, "utf8");
  const refused = kubeconfigWith(kube, of("refused token of the cluster"));
  const cluster = await broken("kubeconfig", refused, ["up", "--yes", "--skip-preview"]);
  expect([cluster.code === 0, `${cluster.stdout}${cluster.stderr}`]).toEqual([
    false,
    expect.stringMatching(/401|could not be looked at/),
  ]);
  roster(changed(everybody, "emo", { parked: true }));
  const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${of("SSH key that is none")}\n-----END OPENSSH PRIVATE KEY-----\n`;
  const ssh = await broken("sshPrivateKey", key, ["up", "--yes", "--skip-preview"]);
  expect([ssh.code === 0, `${ssh.stdout}${ssh.stderr}`]).toEqual([false, expect.stringMatching(/key/i)]);
});

test("nothing of them is in what the engine and the program said, nor in the state or the configuration on the disk", async () => {
  const state = stack.engine.env.PULUMI_BACKEND_URL?.replace("file://", "") ?? "";
  const kept = readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"));
  expect(kept.length).toBeGreaterThan(2);
  expect(leaksIn(said.join("\n"), planted)).toEqual([]);
  expect(leaksIn([...kept, readFileSync(config, "utf8")].join("\n"), planted)).toEqual([]);
  // The same state with its secrets laid open holds them: the look would have found them.
  const open = await stack.engine.pulumi(["stack", "export", "--show-secrets", "--stack", stack.target[1] ?? ""], {
    env: { PULUMI_CONFIG_PASSPHRASE_FILE: join(folder, "passphrase") },
  });
  const found = leaksIn(open.stdout, planted).map((leak) => leak.replace(/ \(.*/, ""));
  for (const name of ["SSH key of the program", "token in the kubeconfig", "token of Vault", "clone token of a person"])
    expect(found).toContain(name);
  for (const name of [
    "token of a person's dashboard",
    "secret between ingress and injector",
    "secret between ingress and host",
  ])
    expect(found).toContain(name);
});

test("nothing of them is in the host's journal", async () => {
  const journal = async () => (await stack.vm.ssh("journalctl --no-pager --all --output=cat | base64 -w0")).stdout;
  const plain = Buffer.from(await journal(), "base64").toString("utf8");
  expect(plain.length).toBeGreaterThan(1000);
  expect(leaksIn(plain, planted)).toEqual([]);
  await stack.vm.ssh("logger --stderr -t control 2>/dev/null", {
    input: `x${of("rclone's configuration").slice(3, 20)}`,
  });
  await stack.sh("journalctl --sync");
  expect(leaksIn(Buffer.from(await journal(), "base64").toString("utf8"), planted)).toEqual([
    "rclone's configuration (as it is, or a piece of it)",
  ]);
});

test("nobody on the host or on the machine of the program could read one from a process", async () => {
  const there = async () =>
    Buffer.from((await stack.vm.ssh("base64 -w0 /var/tmp/sampled")).stdout, "base64").toString("latin1");
  expect((await there()).length).toBeGreaterThan(1000);
  expect(here).toContain("pulumi");
  expect(leaksIn(await there(), notInProcesses())).toEqual([]);
  expect(leaksIn(here, notInProcesses())).toEqual([]);
  // A process that is careless with its arguments, and one whose environment its own user may read.
  const careless = of("own line of an environment file");
  await stack.vm.ssh("bash -s", {
    input: `A=${of("refused token of Vault")} setpriv --reuid=65534 --regid=65534 --clear-groups sleep 2 & exec -a x${careless} sleep 2`,
  });
  const found = leaksIn(await there(), notInProcesses()).map((leak) => leak.replace(/ \(.*/, ""));
  expect(found.sort()).toEqual(["own line of an environment file", "refused token of Vault"]);
  const local = spawn("sleep", ["2"], { argv0: of("own SSH key of a person") });
  await new Promise((resolve) => local.on("close", resolve));
  expect(leaksIn(here, planted)).toContain("own SSH key of a person (as it is, or a piece of it)");
});

test("on the host each lies where it belongs, and in no other file", async () => {
  await stack.sh("systemctl stop sampler; rm /var/tmp/sampled; journalctl --rotate; journalctl --vacuum-time=1s");
  const onHost = [...planted].map(([name, value]) => [name, value.slice(0, 24)] as const);
  const look = async () => {
    const input = `${onHost.map(([, value]) => value).join("\n")}\n`;
    const grep =
      "cat > /run/patterns; grep --recursive --binary-files=text --files-with-matches --fixed-strings --file=/run/patterns " +
      "/etc /home /root /srv /tmp /usr/lib/workstation /usr/local /var/lib /var/log /var/tmp /opt 2>/dev/null; rm /run/patterns";
    return (await stack.vm.ssh(grep, { input, timeoutMs: 120_000 })).stdout.trim().split("\n").sort();
  };
  const right = [
    "/etc/t3-serve/emo.env",
    "/etc/workstation/gate.secret",
    "/home/emo/.git-credentials",
    "/home/emo/.ssh/id_ed25519",
    "/home/emo/code/.git/config",
    "/var/lib/workstation/parts/ingress-secret.json",
  ];
  expect(await look()).toEqual(right);
  const closed = right.filter((path) => !path.endsWith("/config"));
  expect(await stack.sh(`stat --format '%U %a' ${closed.join(" ")}`)).toBe(
    "emo 600\nroot 640\nemo 600\nemo 600\nroot 600",
  );
  await stack.vm.ssh("cat > /var/tmp/control", { input: of("token in the kubeconfig") });
  expect(await look()).toEqual([...right, "/var/tmp/control"]);
});
