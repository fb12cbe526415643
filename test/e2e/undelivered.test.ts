/** A deployment that fails midway, and the next one: what a surface was not given is announced again by the run that gives it. */

import { afterAll, beforeAll, expect, test } from "vitest";
import { findForge, type Forge } from "../../lab/forge/index.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import type { Setting } from "../../lab/pulumi/stack-config.ts";
import { run } from "../../lab/run.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";
import { changed, everybody, withDora } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

/** A deployment takes seconds; on a machine that does other things it takes minutes. */
const STEP_MS = 900_000;
const LOGIN = `emo-${Date.now().toString(36)}`;
let stack: PeopleStack;
let vault: VaultWorld;
let forge: Forge;
beforeAll(async () => {
  stack = await freshStack();
  vault = await openVaultWorld();
  forge = await findForge(vault.lab);
  await delivered(everybody);
});
// Other files use the same forge, and count who is in its repository.
afterAll(() => forge.api.ask("DELETE", `repos/${forge.owner}/${forge.infra}/collaborators/${LOGIN}`));

async function delivered(...args: Parameters<PeopleStack["up"]>): Promise<string> {
  const ran = await stack.up(...args);
  if (ran.code !== 0) throw new Error(`${ran.stdout}\n${ran.stderr}`);
  return ran.stdout;
}

async function failing(...args: Parameters<PeopleStack["up"]>): Promise<string> {
  const ran = await stack.up(...args);
  expect(ran.code).not.toBe(0);
  return ran.stdout;
}

interface Plan {
  readonly plan: readonly string[];
  readonly raised: readonly { readonly who: string; readonly what: readonly string[] }[];
  readonly repeated: readonly { readonly who: string; readonly surfaces: readonly string[] }[];
}

/** The same call by which the pipeline's guard decides. */
async function plan(rows: Parameters<PeopleStack["up"]>[0]): Promise<Plan> {
  await stack.prepare(rows);
  const argv: [string, ...string[]] = [
    ...([process.execPath, "--import", "tsx", "cli/main.ts"] as const),
    ...["plan", "--json", ...stack.target],
  ];
  const ran = await run(argv, { cwd: PROJECT, env: stack.engine.env, accept: [0, 1], timeoutMs: 120_000 });
  return JSON.parse(ran.stdout) as Plan;
}

const groups = (who: string) => stack.sh(`id -nG ${who} | tr ' ' '\\n' | sort | paste -sd ' '`);
/** Vault has no sign-in of this name, so whoever has an address cannot be written there. */
const VAULT_FAILS = [[["vault", "oidcMount"], "nowhere"]] as const;
const promoted = changed(everybody, "emo", { tier: "admin" });
const withPromoted = changed(withDora, "emo", { tier: "admin" });
const PROMOTION = "emo gets the rights of tier admin (until now power-user)";

test(
  "a promotion announced by a run that fails at Vault does not reach the host, and still counts as a rise",
  async () => {
    expect(await failing(promoted, VAULT_FAILS)).toContain(PROMOTION);
    expect(await groups("emo")).toBe("emo");
    const later = await plan(withPromoted);
    expect(later.raised.map(({ who }) => who)).toEqual(["dora", "emo"]);
    // Whether the cluster was complete by then is a matter of moments.
    expect(later.repeated).toMatchObject([
      { who: "emo", surfaces: expect.arrayContaining(["Vault", "host devvm"]) as string[] },
    ]);
  },
  STEP_MS,
);

test(
  "the run that gives the rights announces them, although its roster changes somebody else",
  async () => {
    const output = await delivered(withPromoted);
    expect(output).toContain("dora joins as power-user");
    expect(output).toContain(PROMOTION);
    expect(output).toMatch(/An earlier deployment announced this and did not complete on Vault.* and host devvm\./);
    expect(await groups("emo")).toContain("sudo");
    expect((await plan(withPromoted)).plan).toEqual([]);
  },
  STEP_MS,
);

test(
  "a host where one person fails is incomplete, and the other surfaces are not announced again",
  async () => {
    const drop = "/etc/systemd/system/t3-serve@dora.service.d";
    const broken = "[Service]\\nExecStart=\\nExecStart=/bin/false\\n";
    await stack.sh(
      `systemctl stop t3-serve@dora; mkdir -p ${drop}; printf '${broken}' > ${drop}/90-broken.conf; systemctl daemon-reload`,
    );
    const demoted = changed(withDora, "dora", { limits: { memory: "3G" } });
    expect(await failing(demoted)).toContain("emo loses the rights of tier admin");
    const retry = await plan(demoted);
    expect(retry.plan.join("\n")).toContain("emo loses the rights of tier admin");
    expect([...new Set(retry.repeated.flatMap(({ surfaces }) => surfaces))]).toEqual(["host devvm"]);
    await stack.sh(`rm ${drop}/90-broken.conf; systemctl daemon-reload; systemctl reset-failed`);
    expect(await delivered(demoted)).toContain("emo loses the rights of tier admin");
    expect((await plan(demoted)).plan).toEqual([]);
  },
  STEP_MS,
);

/** Nothing listens on this port of the host. */
const DOWN: Setting = [["hosts", 0, "port"], 1];
const isCollaborator = async (login: string) =>
  (await forge.api.ask("GET", `repos/${forge.owner}/${forge.infra}/collaborators/${login}`)).status === 204;
const cloneTokens = async (login: string) => {
  const { body } = await forge.api.ask("GET", `users/${login}/tokens`);
  return (body as { name: string }[]).filter(({ name }) => name.startsWith("workstation-lab-")).length;
};
const pipelineToken = () => vault.signInAs("plotting-book", "deployer", "plotting-book-deployer");

test(
  "a former forge login and the role of a lost namespace open nothing, although the host is down",
  async () => {
    await forge.createUser(LOGIN);
    await delivered(everybody);
    const token = String(await pipelineToken());
    const of = (secret: string) => vault.status(secret, "GET", "auth/token/lookup-self");
    expect([await isCollaborator("ebarzin"), await cloneTokens("ebarzin"), await of(token)]).toEqual([true, 1, 200]);
    const withLogin = changed(everybody, "emo", { forgejo: { login: LOGIN, push: true } });
    const moved = changed(withLogin, "ancamilea", { namespaces: ["plotting-room"] });
    const limit: Setting = [["removalLimit"], 9];
    const output = await failing(moved, [DOWN, limit]);
    expect(output).toContain("emo loses what they had as Forgejo login ebarzin");
    expect(output).toContain("ancamilea loses namespace plotting-book (kept with everything in it)");
    expect([await isCollaborator("ebarzin"), await cloneTokens("ebarzin")]).toEqual([false, 0]);
    expect([await isCollaborator(LOGIN), await cloneTokens(LOGIN)]).toEqual([true, 1]);
    expect([await of(token), await pipelineToken()]).toEqual([403, 400]);
    const retry = await plan(moved);
    for (const { surfaces } of retry.repeated) {
      expect(surfaces).toContain("host devvm");
      expect(surfaces).not.toContain("forge");
    }
    expect(retry.repeated.map(({ who }) => who).sort()).toEqual(["ancamilea", "emo"]);
    await delivered(moved, [limit]);
    expect((await plan(moved)).plan).toEqual([]);
    expect([await isCollaborator("ebarzin"), await isCollaborator(LOGIN)]).toEqual([false, true]);
  },
  STEP_MS,
);
