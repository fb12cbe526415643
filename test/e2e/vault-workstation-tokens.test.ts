/** The tokens of people's credential syncs in a real Vault, issued by the real engine with the program's own rights alone. Needs root. */
import { beforeAll, expect, test } from "vitest";
import { type Row, rosterOf } from "./fixtures/roster-of.ts";
import { openServices, type Services } from "./fixtures/services.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";

/** A Vault that runs on keeps what former runs issued, so everybody is somebody new. */
const RUN = Date.now().toString(36);
const [ANA, ANAB] = [`ana_${RUN}`, `anab_${RUN}`];
const ROW: Row = { tier: "power-user" };
const BOTH = { [ANA]: { ...ROW, k8sUser: `ana-${RUN}` }, [ANAB]: { ...ROW, k8sUser: `anab-${RUN}` } };

let world: VaultWorld;
let services: Services;
const up = (people: Readonly<Record<string, Row>>, more: readonly string[] = [], generation = 1) =>
  services.pulumi(["up", "--yes", "--skip-preview", ...more], {
    ...rosterOf(people),
    vault: { ...world.program, settings: { ...world.program.settings, workstationTokens: { generation } } },
  });
const tokenOf = async (who: string): Promise<string> => {
  const { vaultTokens } = (await services.outputs()) as { readonly vaultTokens: Readonly<Record<string, string>> };
  const token = vaultTokens[who];
  if (token === undefined) throw new Error(`${who} has no token`);
  return token;
};
const status = (token: string) => world.status(token, "GET", "auth/token/lookup-self");
const own = (who: string) => `secret/data/workstation/claude-users/${who}`;
const CHANGES = /[+~-] ?\d+ (created|updated|deleted|replaced)/;

beforeAll(async () => {
  world = await openVaultWorld();
  services = await openServices(world.lab, "vault-tokens");
  await up(BOTH);
});

test("a token is an orphan without an end of its own, carries one policy, and opens its person's path alone", async () => {
  const token = await tokenOf(ANA);
  const { body } = await world.vault.ask("GET", "auth/token/lookup-self", undefined, token);
  expect((body as { readonly data: object }).data).toMatchObject({
    ...{ policies: [`workstation-claude-${ANA}`], orphan: true, renewable: true, type: "service", explicit_max_ttl: 0 },
    role: "workstation-claude",
  });
  expect([
    await world.status(token, "POST", own(ANA), { data: { kept: 1 } }),
    await world.status(token, "GET", own(ANA)),
    await world.status(token, "POST", "auth/token/renew-self", {}),
    await world.status(token, "GET", own(ANAB)),
    await world.status(token, "POST", "auth/token/create", { policies: ["default"] }),
    await world.status(token, "GET", "secret/data/platform"),
  ]).toEqual([200, 200, 200, 403, 403, 403]);
});

test("the program's own rights issue a workstation's policy and no other", async () => {
  const { token } = world.program;
  const issue = (policies: readonly string[]) =>
    world.status(token, "POST", "auth/token/create/workstation-claude", { policies });
  expect([await issue(["root"]), await issue(["default"]), await issue(["workstation-program"])]).toEqual([
    ...[400, 400, 400],
  ]);
  expect(await world.status(token, "POST", "auth/token/create", { policies: ["default"] })).toBe(403);
  expect(await world.status(token, "POST", "auth/token/roles/workstation-claude", { orphan: false })).toBe(403);
});

test("neither the state nor a word of the engine has a token, and a second run changes nothing", async () => {
  const tokens = [await tokenOf(ANA), await tokenOf(ANAB)];
  const { stdout } = await up(BOTH, ["--refresh"]);
  expect(stdout).not.toMatch(CHANGES);
  const everything = [await services.exportState(), ...services.said].join("\n");
  expect(tokens.filter((token) => everything.includes(token))).toEqual([]);
});

test("a token that somebody revoked is issued anew by a run that reads Vault again", async () => {
  const before = await tokenOf(ANA);
  await world.vault.must("POST", "auth/token/revoke", { token: before });
  await up(BOTH, ["--refresh"]);
  const after = await tokenOf(ANA);
  expect([before === after, await status(before), await status(after)]).toEqual([false, 403, 200]);
});

test("another generation replaces everybody's, and the former ones end", async () => {
  const before = [await tokenOf(ANA), await tokenOf(ANAB)];
  await up(BOTH, [], 2);
  const after = [await tokenOf(ANA), await tokenOf(ANAB)];
  expect(await Promise.all([...before, ...after].map(status))).toEqual([403, 403, 200, 200]);
});

test("whoever is parked or leaves loses it at once, others keep theirs, and a return brings another one", async () => {
  const [ana, anab] = [await tokenOf(ANA), await tokenOf(ANAB)];
  await up({ ...BOTH, [ANA]: { ...ROW, k8sUser: `ana-${RUN}`, parked: true } }, [], 2);
  expect([await status(ana), await status(anab)]).toEqual([403, 200]);
  await up(BOTH, [], 2);
  const back = await tokenOf(ANA);
  expect([back === ana, await status(back)]).toEqual([false, 200]);
  const staying = { [ANAB]: { ...ROW, k8sUser: `anab-${RUN}` } };
  await up(staying, [], 2);
  expect([await status(back), await status(anab)]).toEqual([403, 200]);
  expect((await up(staying, ["--refresh"], 2)).stdout).not.toMatch(CHANGES);
  await up(BOTH, [], 2);
  expect([(await tokenOf(ANA)) === back, await status(await tokenOf(ANA))]).toEqual([false, 200]);
});
