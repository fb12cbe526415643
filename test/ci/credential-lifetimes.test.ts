import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endWarning, renewToken, tokenEnd } from "../../ci/credential-lifetimes.ts";
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
const LOOKUP = "GET /v1/auth/token/lookup-self";
const RENEW = "POST /v1/auth/token/renew-self";

test("a renewable periodic token is renewed, and a renewal that fails is a problem in words", async () => {
  token = { renewable: true, period: 2_764_800, expire_time: "2026-12-01T00:00:00.5Z" };
  expect([await renewed(), asked]).toEqual([{ endsAt: undefined }, [LOOKUP, RENEW]]);
  renewal = 403;
  expect(await renewed()).toEqual({ problem: expect.stringMatching(/^cannot renew the program's own token: .*403/) });
});

test.each([
  ["that never ends", { renewable: false, expire_time: null }, undefined],
  ["that is not periodic", { renewable: true, expire_time: "2026-12-01T00:00:00Z" }, Date.parse("2026-12-01")],
])("a token %s is left as it is", async (_what, data, endsAt) => {
  token = data;
  expect([await renewed(), asked]).toEqual([{ endsAt }, [LOOKUP]]);
});

const kubeconfig = (user: object) =>
  JSON.stringify({
    ...{ "current-context": "x", contexts: [{ name: "x", context: { cluster: "x", user: "x" } }] },
    ...{ clusters: [{ name: "x", cluster: { server: "https://api.invalid" } }], users: [{ name: "x", user }] },
  });

test("the end of a kubeconfig's token is its exp claim; a certificate and a token of another form name none", () => {
  const payload = Buffer.from(JSON.stringify({ exp: NOW_MS / 1000 })).toString("base64url");
  expect(tokenEnd(kubeconfig({ token: `header.${payload}.signature` }))).toBe(NOW_MS);
  expect(tokenEnd(kubeconfig({ token: "opaque" }))).toBeUndefined();
  expect(tokenEnd(kubeconfig({ "client-certificate-data": "eA==", "client-key-data": "eA==" }))).toBeUndefined();
});

test("a credential is warned of within 30 days of its end, and after it", () => {
  const daysLeft = [31, 29, -1].map((days) => endWarning("the kubeconfig", NOW_MS + days * DAY_MS, NOW_MS).length);
  expect(daysLeft).toEqual([0, 1, 1]);
  expect(endWarning("the kubeconfig", NOW_MS + DAY_MS, NOW_MS)).toEqual([
    "the kubeconfig ends on 2026-11-23: replace it before (docs/deployment.md)",
  ]);
});
