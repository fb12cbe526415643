/** A real host for the tests of the agent: a DevVM of its own with remotes on it, to which parts are delivered. */
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { bundleAgent } from "../../../agent/bundle.ts";
import type { Part } from "../../../agent/contract.ts";
import { type DevVm, type SshOptions, startDevVm } from "../../../lab/devvm/index.ts";
import { openInstance } from "../../../lab/instance.ts";
import { PROJECT } from "../../../lab/pulumi/engine.ts";
import { cachedBundle } from "../../../stacks/cached-bundle.ts";
import { account, base, clones, maps, type Somebody, units } from "./parts.ts";

export interface Said {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export interface TestHost {
  readonly vm: DevVm;
  /** A script as root, or as somebody; its trimmed standard output. */
  sh(script: string, options?: SshOptions): Promise<string>;
  /** `workstation …` with any exit code. */
  workstation(args: string, input?: string, failpoint?: string): Promise<Said>;
  apply(part: Part, failpoint?: string): Promise<Said>;
  /** Leaves the parts on the host as if they had been delivered; `settle` or `reconcile` brings them about. */
  put(parts: readonly Part[]): Promise<void>;
  /**
   * Runs until one finds nothing to do and nothing is left for the background: on a busy machine a first clone may be late.
   *
   * @throws when that does not come
   */
  converge(): Promise<void>;
  /** A whole delivery, as the program makes it: base, maps, each person's parts, settle. */
  deliver(people: readonly Somebody[], over?: Parameters<typeof maps>[1]): Promise<Said>;
}

const PUT =
  "const fs=require('fs');const d='/var/lib/workstation/parts';fs.mkdirSync(d,{recursive:true,mode:0o700});for(const [n,p] of JSON.parse(fs.readFileSync(0)))fs.writeFileSync(d+'/'+n+'.json',JSON.stringify(p),{mode:0o600})";

/** Services that cost nothing. */
export const quiet = {
  commands: {
    t3: ["/usr/bin/sleep", "infinity"],
    browser: ["/usr/bin/sleep", "infinity"],
    credentialSync: ["/bin/true"],
  },
};

const ANY = Array.from({ length: 256 }, (_, code) => code);

/**
 * Starts it as it was when it was new, with the agent installed and the remotes served. Every file of tests has a host of
 * its own: a name, and an index from 1 up.
 */
export async function startTestHost(name: string, index: number): Promise<TestHost> {
  const instance = await openInstance(process.env.WS_LAB || "test");
  const vm = await startDevVm(instance, name, index);
  await vm.reset();
  const host = testHost(vm);
  await installAgent(vm);
  await serveRemotes(vm);
  return host;
}

function testHost(vm: DevVm): TestHost {
  const workstation = async (args: string, input = "", failpoint = ""): Promise<Said> => {
    const env = failpoint === "" ? "" : `WORKSTATION_FAILPOINT=${failpoint} `;
    const ran = await vm.ssh(`${env}workstation ${args}`, { input, accept: ANY, timeoutMs: 240_000 });
    return { code: ran.code, out: linesOf(ran.stdout), err: linesOf(ran.stderr) };
  };
  const apply = (part: Part, failpoint?: string) => {
    const name = "host" in part ? part.host : part.osUser;
    return workstation(`apply ${part.kind} ${name}`, JSON.stringify(part), failpoint);
  };
  return {
    vm,
    sh: async (script, options) => (await vm.ssh(script, options)).stdout.trimEnd(),
    workstation,
    apply,
    put: async (parts) => {
      const named = parts.map((part) => ["osUser" in part ? `${part.kind}.${part.osUser}` : part.kind, part] as const);
      await vm.ssh(`node -e "${PUT}"`, { input: JSON.stringify(named) });
    },
    converge: async () => {
      let last = "";
      for (let run = 0; run < 8; run += 1) {
        const said = await workstation("reconcile");
        const { stdout } = await vm.ssh(
          "ls /var/lib/workstation/unfinished 2>/dev/null; for i in $(seq 120); do systemctl is-active -q workstation-finish || systemctl show -p ActiveState workstation-finish | grep -q activating || break; sleep 0.5; done",
          { timeoutMs: 120_000 },
        );
        last = [...said.out, ...said.err, stdout].join("\n");
        if (said.code === 0 && said.out.join() === "nothing to change" && stdout === "") return;
      }
      throw new Error(`the host does not converge: ${last}`);
    },
    deliver: async (people, over) => {
      const said = [await apply(base()), await apply(maps(people, over))];
      for (const who of people) for (const part of [account, clones, units]) said.push(await apply(part(who)));
      said.push(await workstation("settle"));
      return {
        code: Math.max(...said.map((s) => s.code)),
        out: said.flatMap((s) => s.out),
        err: said.flatMap((s) => s.err),
      };
    },
  };
}

const linesOf = (text: string): readonly string[] => text.split("\n").filter((line) => line !== "");

async function installAgent(vm: DevVm): Promise<void> {
  const { text, sha256 } = await cachedBundle(PROJECT, bundleAgent);
  const incoming = "/usr/lib/.workstation-agent-incoming.mjs";
  await vm.ssh(`cat > ${incoming} && node ${incoming} install --sha256 ${sha256}`, { input: text });
  await vm.ssh("mkdir -p /run/workstation && touch /run/workstation/allow-failpoints");
  // The hourly run would do by itself what a test wants to see done.
  const never = "[Timer]\nOnBootSec=\nOnUnitActiveSec=\nOnBootSec=30d\n";
  const dropIn = "/etc/systemd/system/workstation-reconcile.timer.d";
  await vm.ssh(`mkdir -p ${dropIn} && cat > ${dropIn}/test.conf`, { input: never });
}

async function serveRemotes(vm: DevVm): Promise<void> {
  const source = readFileSync(new URL("./git-server.ts", import.meta.url), "utf8");
  const { code } = transformSync(source, { loader: "ts", format: "esm", target: "node18" });
  await vm.ssh("cat > /srv/git-server.mjs", { input: code });
  await vm.ssh(SEED, { timeoutMs: 120_000 });
}

/** Bare repositories `infra`, `infra-push` and `tripit`, served on 127.0.0.1:8080 by somebody without rights. */
const SEED = `set -eu
mkdir -p /srv/git /srv/work
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
for r in infra tripit; do
  git init -q -b master --bare /srv/git/$r
  git init -q -b master /srv/work/$r
  cd /srv/work/$r
  echo hello > readme; mkdir -p apps; echo tracked > apps/one
  git add . && git commit -qm one
  git remote add origin /srv/git/$r && git push -q origin master
done
git clone -q --bare /srv/git/infra /srv/git/infra-push
git -C /srv/work/infra remote add push /srv/git/infra-push
chown -R nobody: /srv/git
git config --system --add safe.directory '*'
systemd-run --quiet --unit=remotes -p User=nobody node /srv/git-server.mjs /srv/git 8080
for i in $(seq 50); do curl -sf -o /dev/null 'http://127.0.0.1:8080/open/infra/info/refs?service=git-upload-pack' && exit 0; sleep 0.1; done
exit 1`;
