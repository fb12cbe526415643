/** Tries what a person can reach, as the person: the API server, Vault, the forge, a host, and what leads to a code server. */

import type { DevVm } from "../../../lab/devvm/index.ts";
import type { Forge, ForgeLogin } from "../../../lab/forge/index.ts";
import type { VaultWorld } from "../fixtures/vault-fixture.ts";
import { dashboardAccount } from "../../../roster/object-names.ts";
import type { K8sUser } from "../../../roster/model.ts";
import type { PeopleStack } from "./stack.ts";

type Login = Exclude<ForgeLogin, "anonymous">;

export type Access = ReturnType<typeof openAccess>;

/** The stack has the code-server proxy on port 8900 of its first host, and the portal map in the namespace `default`. */
export function openAccess({
  stack,
  vault,
  forge,
}: {
  readonly stack: PeopleStack;
  readonly vault: VaultWorld;
  readonly forge: Forge;
}) {
  const passwords = new Map<string, string>();
  /** Tokens of pipelines' accounts: an account that goes takes its own along, so it is kept from before. */
  const accounts = new Map<string, string>();
  const can = async (who: string, ...question: readonly string[]): Promise<boolean> =>
    (await stack.kubectl(["auth", "can-i", ...question, `--as=${who}`], [0, 1])).stdout.trim() === "yes";
  /** A real push to a branch of its own: whoever may read comes as far as a dry run does. */
  const pushes = async ({ login, password }: Login): Promise<boolean> => {
    const url = forge.cloneUrl(forge.owner, forge.infra).replace("://", `://${login}:${password}@`);
    const clone = "/tmp/tried-clone";
    const push = `GIT_TERMINAL_PROMPT=0 git -C ${clone} push --quiet --force ${url}`;
    const script = `test -d ${clone} || git init --quiet ${clone}
      git -C ${clone} -c user.name=x -c user.email=x@lab.example commit --quiet --allow-empty --message tried
      ${push} HEAD:refs/heads/tried >/dev/null 2>&1 && ${push} :refs/heads/tried >/dev/null 2>&1 && echo in || echo out`;
    return (await stack.sh(script)) === "in";
  };
  /** A real commit on the protected branch, made of what is there. */
  const pushesToMaster = async (login: string): Promise<boolean> => {
    const clone = "/tmp/tried-clone";
    const url = forge.cloneUrl(forge.owner, forge.infra).replace("://", `://${login}:${passwords.get(login) ?? ""}@`);
    const git = `GIT_TERMINAL_PROMPT=0 git -C ${clone} -c user.name=x -c user.email=x@lab.example`;
    const script = `test -d ${clone} || git init --quiet ${clone}
      ${git} fetch --quiet ${url} master >/dev/null 2>&1 || { echo out; exit; }
      made=$(${git} commit-tree -p FETCH_HEAD -m tried 'FETCH_HEAD^{tree}')
      ${git} push --quiet ${url} $made:refs/heads/master >/dev/null 2>&1 && echo in || echo out`;
    return (await stack.sh(script)) === "in";
  };
  return {
    can,
    pushesToMaster,
    /** Whether a token of Vault reads below the name; that nothing is there is an answer, too. */
    opens: async (token: string | number, k8sUser: string): Promise<boolean> =>
      typeof token === "string" && (await vault.status(token, "GET", `secret/data/${k8sUser}`)) !== 403,
    /** Whether the dashboard's account of that name has its rights in the namespace. */
    dashboardIn: (k8sUser: string, namespace: string) =>
      can(
        `system:serviceaccount:${namespace}:${dashboardAccount(k8sUser as K8sUser)}`,
        "create",
        "pods",
        `--namespace=${namespace}`,
      ),
    rolesIn: (who: string, namespace: string) => can(who, "create", "pods", `--namespace=${namespace}`),
    /** Whose code server answers a request with this login; empty where none does. */
    reached: (login: string) =>
      stack.sh(
        `curl -s --max-time 20 -H 'X-Authentik-Username: ${login}' http://127.0.0.1:8900/where | sed -n 's/.*"user":"\\([a-z]*\\)".*/\\1/p'`,
      ),
    terminalOf: (login: string) => stack.sh(`sed -n 's/^${login}=//p' /etc/ttyd-user-map`),
    /** Whether who signs in to Vault with this address may read below the name; that nothing is there is an answer, too. */
    reads: async (address: string, k8sUser: string): Promise<boolean> => {
      const token = await vault.signIn(address);
      return typeof token === "string" && (await vault.status(token, "GET", `secret/data/${k8sUser}`)) !== 403;
    },
    portal: async (): Promise<Readonly<Record<string, { readonly namespaces: readonly string[] }>>> => {
      const asked = ["get", "configmap", "portal-users", "--namespace=default"];
      return JSON.parse((await stack.kubectl([...asked, "--output=jsonpath={.data.users\\.json}"])).stdout);
    },
    /** The token that Vault issues to the namespace's pipeline; undefined where it refuses. */
    pipeline: async (namespace: string): Promise<string | undefined> => {
      const asked = ["create", "token", "deployer", `--namespace=${namespace}`, "--duration=1h"];
      const made = await stack.kubectl(asked, [0, 1]);
      if (made.code === 0) accounts.set(namespace, made.stdout.trim());
      const body = { role: `${namespace}-deployer`, jwt: accounts.get(namespace) ?? "" };
      const { status, body: said } = await vault.vault.ask("POST", "auth/kubernetes/login", body, "");
      return status === 200
        ? (said as { readonly auth: { readonly client_token: string } }).auth.client_token
        : undefined;
    },
    groups: async (who: string) => (await stack.sh(`id -nG ${who}`)).split(" "),
    createLogin: async (login: string) => {
      passwords.set(login, (await forge.createUser(login)).password);
    },
    /** Other files use the same forge, and count who is in its repository. */
    removeLogins: async () => {
      for (const login of passwords.keys())
        await forge.api.must("DELETE", `repos/${forge.owner}/${forge.infra}/collaborators/${login}`);
    },
    pushes,
    withPassword: (login: string) => pushes({ login, password: passwords.get(login) ?? "" }),
    /** What is in the person's home for the forge. */
    credentials: async (who: string): Promise<Login> => {
      const url = new URL(await stack.sh(`head -n 1 /home/${who}/.git-credentials`));
      return { login: url.username, password: url.password };
    },
    /** By a key that is put into their home. */
    logsIn: async (vm: DevVm, who: string): Promise<boolean> => {
      const script = `test -e /root/key || ssh-keygen -q -t ed25519 -N '' -f /root/key
        id -u ${who} >/dev/null 2>&1 || { echo out; exit; }
        install -d -m 700 -o ${who} -g ${who} /home/${who}/.ssh
        install -m 600 -o ${who} -g ${who} /root/key.pub /home/${who}/.ssh/authorized_keys
        ssh -o StrictHostKeyChecking=no -o BatchMode=yes -i /root/key ${who}@127.0.0.1 true >/dev/null 2>&1 && echo in || echo out`;
      return (await vm.ssh(script, { timeoutMs: 60_000 })).stdout.trim() === "in";
    },
    isThere: async (path: string, vm: DevVm = stack.vm) =>
      (await vm.ssh(`test -e ${path} && echo yes || echo no`)).stdout.trim() === "yes",
    /** In GiB. */
    memoryOf: async (who: string) =>
      Number(await stack.sh(`systemctl show --property=MemoryMax --value user-$(id -u ${who}).slice`)) / 2 ** 30,
    nameOfUid: async (name: string) => (await stack.sh(`id -un ${name} 2>/dev/null || true`)) === name,
  };
}
