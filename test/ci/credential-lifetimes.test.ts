import { execFileSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  endWarning,
  kubeconfigEnd,
  renewToken,
  secretsProviderVault,
  tokenWarnings,
} from "../../ci/credential-lifetimes.ts";
import { openVault } from "../../clients/vault/client.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
let asked: string[] = [];
/** What Vault says of the token, and the status of a renewal. */
let [token, renewal]: [object, number] = [{}, 200];
const server = createServer((request, reply) => {
  asked.push(`${request.method} ${request.url}`);
  const isRenewal = request.url?.endsWith("renew-self") === true;
  reply.writeHead(isRenewal ? renewal : 200, { "content-type": "application/json" });
  reply.end(JSON.stringify(isRenewal && renewal !== 200 ? { errors: ["permission denied"] } : { data: token }));
});
beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise((done) => server.close(done)));

const renewed = () => {
  asked = [];
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return renewToken(openVault({ address, token: "token-of-the-program", timeoutMs: 5_000, pauseMs: 1 }));
};
const CREATED = { creation_time: Date.parse("2026-11-01") / 1000, explicit_max_ttl: 0, orphan: true, num_uses: 0 };
const ORPHAN = { hasParent: false, isCounted: false, isShort: false };
const LOOKUP = "GET /v1/auth/token/lookup-self";
const RENEW = "POST /v1/auth/token/renew-self";

test("a renewable periodic token is renewed, and a renewal that fails is a problem in words", async () => {
  token = { ...CREATED, renewable: true, period: 2_764_800, expire_time: "2026-12-01T00:00:00.5Z" };
  expect([await renewed(), asked]).toEqual([{ ...ORPHAN, endsAt: undefined }, [LOOKUP, RENEW]]);
  renewal = 403;
  await expect(renewed()).rejects.toThrow(/^cannot renew the program's own token: .*403/);
});

test.each([
  ["that never ends", { renewable: false, expire_time: null }, undefined],
  ["that is not periodic", { renewable: true, expire_time: "2026-12-01T00:00:00Z" }, Date.parse("2026-12-01")],
])("a token %s is left as it is", async (_what, data, endsAt) => {
  token = { ...CREATED, ...data };
  expect([await renewed(), asked]).toEqual([{ ...ORPHAN, endsAt }, [LOOKUP]]);
});

test("a periodic token with an explicit limit is renewed, and ends at that limit all the same", async () => {
  token = {
    ...CREATED,
    explicit_max_ttl: 864_000,
    renewable: true,
    period: 86_400,
    expire_time: "2026-11-12T00:00:00Z",
  };
  renewal = 200;
  expect([await renewed(), asked]).toEqual([
    { ...ORPHAN, isShort: true, endsAt: Date.parse("2026-11-11") },
    [LOOKUP, RENEW],
  ]);
});

test("the token of the state's secrets provider is the one that the engine would use, with its authority", async () => {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  token = { ...CREATED, renewable: false, expire_time: "2026-12-01T00:00:00Z" };
  for (const variables of [
    { VAULT_SERVER_URL: address, VAULT_SERVER_TOKEN: "t" },
    { VAULT_ADDR: address, VAULT_TOKEN: "t" },
  ]) {
    const vault = await secretsProviderVault(variables);
    expect(vault && (await renewToken(vault))).toEqual({ ...ORPHAN, endsAt: Date.parse("2026-12-01") });
  }
  expect(await secretsProviderVault({ PULUMI_CONFIG_PASSPHRASE: "x" })).toBeUndefined();
  const withoutAuthority = { VAULT_ADDR: address, VAULT_TOKEN: "t", VAULT_CACERT: "/nowhere/ca.pem" };
  await expect(secretsProviderVault(withoutAuthority)).rejects.toThrow(
    "VAULT_CACERT: /nowhere/ca.pem cannot be read (ENOENT).",
  );
});

const kubeconfig = (user: object) =>
  JSON.stringify({
    ...{ "current-context": "x", contexts: [{ name: "x", context: { cluster: "x", user: "x" } }] },
    ...{ clusters: [{ name: "x", cluster: { server: "https://api.invalid" } }], users: [{ name: "x", user }] },
  });

const SELF_SIGNED =
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 20 -subj /CN=x -keyout /dev/null".split(" ");

test("a kubeconfig's token ends by its exp claim, a certificate by its last day, and an opaque token is not known to end", () => {
  const payload = Buffer.from(JSON.stringify({ exp: NOW_MS / 1000 })).toString("base64url");
  expect(kubeconfigEnd(kubeconfig({ token: `header.${payload}.signature` }))).toBe(NOW_MS);
  expect(kubeconfigEnd(kubeconfig({ token: "opaque" }))).toBeUndefined();
  const certificate = (pem: string) =>
    kubeconfig({ "client-certificate-data": Buffer.from(pem).toString("base64"), "client-key-data": "eA==" });
  const made = execFileSync("openssl", SELF_SIGNED, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  const both = Buffer.from(made).toString("base64");
  expect(kubeconfigEnd(kubeconfig({ token: "opaque", "client-certificate-data": both }))).toBeGreaterThan(0);
  const daysLeft = ((kubeconfigEnd(certificate(made)) ?? 0) - Date.now()) / DAY_MS;
  expect(Math.round(daysLeft)).toBe(20);
  expect(() => kubeconfigEnd(certificate("x"))).toThrow("its client certificate must be one in PEM");
});

test("a token that ends with its parent or after some uses is warned of, however often it is renewed", async () => {
  token = { ...CREATED, orphan: false, num_uses: 5, renewable: true, period: 2_764_800, expire_time: null };
  expect(tokenWarnings("the token", await renewed())).toEqual([
    expect.stringMatching(/^the token is revoked with the token that made it/),
    expect.stringMatching(/^the token ends after a number of uses/),
  ]);
});

test("a credential is warned of within 30 days of its end, and after it", () => {
  const daysLeft = [31, 29, -1].map((days) => endWarning("the kubeconfig", NOW_MS + days * DAY_MS, NOW_MS).length);
  expect(daysLeft).toEqual([0, 1, 1]);
  expect(endWarning("the kubeconfig", NOW_MS + DAY_MS, NOW_MS)).toEqual([
    "the kubeconfig ends on 2026-11-23: replace it before (docs/deployment.md)",
  ]);
});
