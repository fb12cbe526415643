/** A deployment that fails midway, and the next one: what a surface was not given is announced again by the run that gives it. */

import { beforeAll, expect, test } from "vitest";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { run } from "../../lab/run.ts";
import { changed, everybody, withDora } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

let stack: PeopleStack;
beforeAll(async () => {
  stack = await freshStack();
  await delivered(everybody);
});

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

test("a promotion announced by a run that fails at Vault does not reach the host, and still counts as a rise", async () => {
  expect(await failing(promoted, VAULT_FAILS)).toContain(PROMOTION);
  expect(await groups("emo")).toBe("emo");
  const later = await plan(withPromoted);
  expect(later.raised.map(({ who }) => who)).toEqual(["dora", "emo"]);
  // Whether the cluster was complete by then is a matter of moments.
  expect(later.repeated).toMatchObject([
    { who: "emo", surfaces: expect.arrayContaining(["Vault", "host devvm"]) as string[] },
  ]);
});

test("the run that gives the rights announces them, although its roster changes somebody else", async () => {
  const output = await delivered(withPromoted);
  expect(output).toContain("dora joins as power-user");
  expect(output).toContain(PROMOTION);
  expect(output).toMatch(/An earlier deployment announced this and did not complete on Vault.* and host devvm\./);
  expect(await groups("emo")).toContain("sudo");
  expect((await plan(withPromoted)).plan).toEqual([]);
});

test("a host where one person fails is incomplete, and the other surfaces are not announced again", async () => {
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
});
