/** Whatever goes wrong while the user map is read is told for what it is, and is never taken for an empty map. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Refusal } from "../../config/refusal.ts";
import { vault } from "../../config/settings/vault.ts";
import { readUserMap, userMapFromVault } from "../../config/vault-user-map.ts";

const TOKEN = "hvs.the-token-of-the-program";

/** What Vault says, as it says it; tried against the real one in test/e2e/vault-user-map.test.ts as far as it can be brought about. */
let answer: { readonly status: number; readonly body: string; readonly delayMs?: number };
let server: Server;
let asked = 0;

beforeAll(async () => {
  server = createServer((_, reply) => {
    asked += 1;
    setTimeout(() => reply.writeHead(answer.status).end(answer.body), answer.delayMs ?? 0);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => new Promise((done) => server.close(done)));

const secret = (fields: object, version = 7) =>
  JSON.stringify({ data: { data: fields, metadata: { version, destroyed: false, deletion_time: "" } } });

const read = async (
  options: { preview?: boolean; tolerant?: boolean; seenVersion?: number; pauseMs?: number } = {},
) => {
  const { port } = server.address() as AddressInfo;
  const unreachable = options.tolerant ? "warn-in-preview" : "error";
  const settings = vault.parse({ address: `http://127.0.0.1:${port}`, unreachable });
  const { seenVersion, pauseMs = 1 } = options;
  return readUserMap(
    { settings, token: TOKEN },
    {
      preview: options.preview ?? false,
      timeoutMs: 300,
      pauseMs,
      ...(seenVersion === undefined ? {} : { seenVersion }),
    },
  );
};

test("a map that is there comes as it is, with its version", async () => {
  answer = { status: 200, body: secret({ k8s_users: '{"anca":{"role":"namespace-owner"}}' }) };
  expect(await read({ seenVersion: 7 })).toEqual({
    isRead: true,
    text: '{"anca":{"role":"namespace-owner"}}',
    file: "secret/platform, field k8s_users",
    version: 7,
  });
});

test("an empty map is a map, and not a failure", async () => {
  answer = { status: 200, body: secret({ k8s_users: "{}" }) };
  expect(await read()).toMatchObject({ isRead: true, text: "{}" });
});

const gone = (metadata: object) => JSON.stringify({ data: { data: null, metadata: { version: 3, ...metadata } } });
const says = (...errors: string[]) => JSON.stringify({ errors });

const FAILURES: readonly (readonly [string, { status: number; body: string; delayMs?: number }, RegExp])[] = [
  ["hangs", { status: 200, body: "{}", delayMs: 600 }, /cannot be reached \(no whole answer within 0.3 s\)/],
  ["is sealed", { status: 503, body: says("Vault is sealed") }, /it is sealed; unseal it/],
  ["is a standby that points on", { status: 307, body: "{}" }, /standby.*give the address of the active node/],
  [
    "is a standby without an active node",
    { status: 500, body: says("local node not active but active cluster node not found") },
    /standby/,
  ],
  ["forbids it", { status: 403, body: says("permission denied") }, /may not read it, or is no longer valid/],
  ["does not know the secret", { status: 404, body: says() }, /there is no such secret/],
  ["had the version deleted", { status: 404, body: gone({ destroyed: false }) }, /version 3 of the secret was deleted/],
  [
    "had the version destroyed",
    { status: 404, body: gone({ destroyed: true }) },
    /version 3 of the secret was destroyed/,
  ],
  ["wants us to slow down", { status: 429, body: says("too many requests") }, /rate limited \(429\)/],
  ["is a page of a proxy", { status: 200, body: "<html>sign in</html>" }, /its answer is not JSON/],
  [
    "is a store of version 1",
    { status: 200, body: '{"data":{"k8s_users":"{}"}}' },
    /no secret of a KV store of version 2/,
  ],
  ["lacks the field", { status: 200, body: secret({ other: "{}" }) }, /has no text field k8s_users/],
  ["holds the field as an object", { status: 200, body: secret({ k8s_users: {} }) }, /has no text field k8s_users/],
  ["holds no JSON", { status: 200, body: secret({ k8s_users: "{anca" }) }, /not a JSON object/],
  ["holds a list", { status: 200, body: secret({ k8s_users: "[]" }) }, /not a JSON object/],
];

test.each(FAILURES)("an update stops when Vault %s, and says so without a secret", async (_, given, sentence) => {
  answer = given;
  const refused = await read().catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(Refusal);
  expect((refused as Refusal).message).toMatch(sentence);
  expect((refused as Refusal).message).toMatch(/Nothing was changed\.$/);
  expect((refused as Refusal).message).not.toContain(TOKEN);
});

test.each(FAILURES)(
  "a preview of a stack that allows it goes on with a warning when Vault %s",
  async (_, given, sentence) => {
    answer = given;
    const outcome = await read({ preview: true, tolerant: true });
    expect(outcome).toMatchObject({ isRead: false, warning: expect.stringMatching(sentence) });
    await expect(read({ preview: true })).rejects.toThrow(sentence);
    await expect(read({ tolerant: true })).rejects.toThrow(sentence);
  },
);

test("every failure has words of its own", async () => {
  const said = new Set<string>();
  for (const [, given] of FAILURES) {
    answer = given;
    said.add(
      await read().then(
        () => "",
        (cause: Error) => cause.message,
      ),
    );
  }
  // Both standbys mean the same, and so do the two fields and the two texts that are no map.
  expect(said.size).toBe(FAILURES.length - 3);
});

test("an older version than one that was in use is a lagging replica, not the truth", async () => {
  answer = { status: 200, body: secret({ k8s_users: "{}" }, 6) };
  await expect(read({ seenVersion: 7 })).rejects.toThrow(/version 6 came although version 7 was in use before/);
});

test("a short outage is ridden out", async () => {
  asked = 0;
  answer = { status: 503, body: says("Vault is sealed") };
  setTimeout(() => {
    answer = { status: 200, body: secret({ k8s_users: "{}" }) };
  }, 150);
  expect(await read({ pauseMs: 300 })).toMatchObject({ isRead: true });
  expect(asked).toBe(2);
});

test("a Vault that is not there at all is told as such", async () => {
  const settings = vault.parse({ address: "http://127.0.0.1:9" });
  const refused = readUserMap({ settings, token: TOKEN }, { preview: false, timeoutMs: 300, pauseMs: 1 });
  await expect(refused).rejects.toThrow(
    /cannot be reached \(.*connection refused.*check the address and whether Vault runs/,
  );
});

test("Vault is not asked where the stack names a file with the map, as a preview does", async () => {
  const { port } = server.address() as AddressInfo;
  const settings = { vault: vault.parse({ address: `http://127.0.0.1:${port}` }), vaultToken: TOKEN };
  const before = asked;
  const memory = { ledger: undefined };
  expect(await userMapFromVault({ ...settings, userMapFile: "map.json" }, memory, { preview: true })).toBeUndefined();
  expect(asked).toBe(before);
});
