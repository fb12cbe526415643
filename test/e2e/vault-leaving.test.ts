/** Leaving ends in Vault what was issued before, and returning begins anew; with real sign-ins. Needs root. */
import { beforeAll, expect, test } from "vitest";
import { type Row, rosterOf } from "./fixtures/roster-of.ts";
import { openServices, type Services } from "./fixtures/services.ts";
import { openVaultWorld, type VaultWorld } from "./fixtures/vault-fixture.ts";

/** A Vault that runs on keeps what former runs issued, so everybody is somebody new. */
const RUN = Date.now().toString(36);
const STAY = `stay-${RUN}`;
const GONE = `gone-${RUN}`;
const POWER = `power-${RUN}`;
const HEIR = `heir-${RUN}`;

const STAYS: Readonly<Record<string, Row>> = {
  os_stay: { tier: "namespace-owner", k8sUser: STAY, namespaces: [`ns-${STAY}`], email: `${STAY}@lab.example` },
};
const BOTH: Readonly<Record<string, Row>> = {
  ...STAYS,
  os_gone: { tier: "namespace-owner", k8sUser: GONE, namespaces: [`ns-${GONE}`], email: `${GONE}@lab.example` },
  os_power: { tier: "power-user", k8sUser: POWER, email: `${POWER}@lab.example` },
};

let world: VaultWorld;
let services: Services;
const up = (people: Readonly<Record<string, Row>>, ...more: string[]) =>
  services.pulumi(["up", "--yes", "--skip-preview", ...more], { ...rosterOf(people), vault: world.program });

const self = (token: string | number | undefined) => world.status(`${token}`, "GET", "auth/token/lookup-self");
const mint = async (body: object, parent?: string): Promise<string> => {
  const { body: said } = await world.vault.ask("POST", "auth/token/create", body, parent);
  return (said as { auth: { client_token: string } }).auth.client_token;
};
const leases = async () => {
  const { body } = await world.vault.ask("LIST", "sys/leases/lookup/auth/oidc/login");
  return (body as { data: { keys: string[] } }).data.keys.length;
};
const entity = async (name: string) => {
  const { status, body } = await world.vault.ask("GET", `identity/entity/name/${name}`);
  return status === 200
    ? (body as { data: { id: string; disabled: boolean; policies: string[] | null } }).data
    : undefined;
};

interface Issued {
  readonly gone: Readonly<Record<string, string>>;
  readonly stay: Readonly<Record<string, string>>;
}
let issued: Issued;
let leasesBefore: number;
let entityBefore: string | undefined;

beforeAll(async () => {
  world = await openVaultWorld();
  services = await openServices(world.lab, "vault-leaving");
  await up(BOTH);
  const of = async (who: string, osUser: string): Promise<Record<string, string>> => {
    const signIn = `${await world.signIn(`${who}@lab.example`)}`;
    return {
      signIn,
      again: `${await world.signIn(`${who}@lab.example`)}`,
      pipeline: `${await world.signInAs(`ns-${who}`, "deployer", `ns-${who}-deployer`)}`,
      workstation: await mint({ policies: [`workstation-claude-${osUser}`], no_parent: true }),
    };
  };
  issued = { gone: await of(GONE, "os_gone"), stay: await of(STAY, "os_stay") };
  const power = { signIn: `${await world.signIn(`${POWER}@lab.example`)}` };
  issued = { ...issued, gone: { ...issued.gone, power: power.signIn } };
  await world.vault.must("POST", `secret/data/${GONE}/kept`, { data: { mine: 1 } });
  for (const token of [...Object.values(issued.gone), ...Object.values(issued.stay)]) {
    if ((await self(token)) !== 200) throw new Error("a token is not good to begin with");
  }
  leasesBefore = await leases();
  entityBefore = (await entity(`namespace-owner-${GONE}`))?.id;
});

test("who leaves loses every token at once, and those who stay keep theirs", async () => {
  const { stdout } = await up(STAYS);
  expect(stdout).toMatch(new RegExp(`vault-${GONE} updated`));
  expect(await Promise.all(Object.values(issued.gone).map(self))).toEqual([403, 403, 403, 403, 403]);
  expect(await Promise.all(Object.values(issued.stay).map(self))).toEqual([200, 200, 200, 200]);
  // Two sign-ins of one and one of the other held a lease each; leases of former runs may end at any time.
  expect(leasesBefore - (await leases())).toBeGreaterThanOrEqual(3);
});

test("nobody who left signs in any more, by whatever door", async () => {
  expect([
    await world.signIn(`${GONE}@lab.example`),
    await world.signIn(`${POWER}@lab.example`),
    await world.signInAs(`ns-${GONE}`, "deployer", `ns-${GONE}-deployer`),
  ]).toEqual([403, 403, 400]);
  expect(await world.signIn(`${STAY}@lab.example`)).toEqual(expect.any(String));
});

test("policies and roles are gone, the entity is kept disabled without rights, and the secrets are kept", async () => {
  const names = [
    `sys/policies/acl/namespace-owner-${GONE}`,
    "sys/policies/acl/workstation-claude-os_gone",
    `auth/kubernetes/role/ns-${GONE}-deployer`,
  ];
  const found = await Promise.all(names.map(async (path) => (await world.vault.ask("GET", path)).status));
  expect(found).toEqual([404, 404, 404]);
  expect(await entity(`namespace-owner-${GONE}`)).toMatchObject({ id: entityBefore, disabled: true, policies: [] });
  expect((await world.vault.ask("GET", `secret/data/${GONE}/kept`)).body).toMatchObject({
    data: { data: { mine: 1 } },
  });
});

test("a token that somebody hands them afterwards is seen by a refresh and ended", async () => {
  const late = await mint({ policies: ["workstation-claude-os_gone"], no_parent: true });
  await up(STAYS, "--refresh");
  expect(await self(late)).toBe(403);
});

test("an entity that somebody enables again is seen by a refresh and disabled", async () => {
  await world.vault.must("POST", `identity/entity/name/namespace-owner-${GONE}`, { disabled: false });
  await up(STAYS, "--refresh");
  expect(await entity(`namespace-owner-${GONE}`)).toMatchObject({ disabled: true });
});

test("who returns has everything as it was, and the old tokens stay dead", async () => {
  await up(BOTH);
  const fresh = await world.signIn(`${GONE}@lab.example`);
  expect(await world.status(`${fresh}`, "GET", `secret/data/${GONE}/kept`)).toBe(200);
  expect(await world.signInAs(`ns-${GONE}`, "deployer", `ns-${GONE}-deployer`)).toEqual(expect.any(String));
  expect(await entity(`namespace-owner-${GONE}`)).toMatchObject({
    id: entityBefore,
    disabled: false,
    policies: [`namespace-owner-${GONE}`],
  });
  expect(await self(await world.signIn(`${POWER}@lab.example`))).toBe(200);
  expect(await Promise.all(Object.values(issued.gone).map(self))).toEqual([403, 403, 403, 403, 403]);
});

test("the address of who leaves, given to a newcomer in the same run, opens the newcomer's secrets alone", async () => {
  const given: Readonly<Record<string, Row>> = {
    ...STAYS,
    os_heir: { tier: "namespace-owner", k8sUser: HEIR, namespaces: [`ns-${HEIR}`], email: `${GONE}@lab.example` },
  };
  const token = `${await world.signIn(`${GONE}@lab.example`)}`;
  await up(given);
  const fresh = `${await world.signIn(`${GONE}@lab.example`)}`;
  const paths = [`secret/data/${GONE}/kept`, `secret/data/${HEIR}/none`];
  expect(await Promise.all(paths.map((path) => world.status(fresh, "GET", path)))).toEqual([403, 404]);
  expect([await self(token), (await entity(`namespace-owner-${GONE}`))?.disabled]).toEqual([403, true]);
  expect((await up(given)).stdout).not.toMatch(/[+~-] ?\d+ (created|updated|deleted|replaced)/);
});

test("another k8s_user, not called a rename, takes the identity along and opens nothing below the former", async () => {
  await world.vault.must("POST", `secret/data/${STAY}/kept`, { data: { mine: 1 } });
  const renamed = { os_stay: { ...STAYS.os_stay, tier: "namespace-owner", k8sUser: `${STAY}-2` } } as const;
  const before = await entity(`namespace-owner-${STAY}`);
  await up(renamed);
  const fresh = `${await world.signIn(`${STAY}@lab.example`)}`;
  const paths = [`secret/data/${STAY}/kept`, `secret/data/${STAY}-2/none`];
  expect(await Promise.all(paths.map((path) => world.status(fresh, "GET", path)))).toEqual([403, 404]);
  expect((await entity(`namespace-owner-${STAY}-2`))?.id).toBe(before?.id);
  expect((await up(renamed)).stdout).not.toMatch(/[+~-] ?\d+ (created|updated|deleted|replaced)/);
});
