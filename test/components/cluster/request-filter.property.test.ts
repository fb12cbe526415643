/** Whatever header lines somebody sends: at most one credential goes on, and it is the token of the one who is known. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { requestFilter } from "../../../components/cluster/injector/proxy/request-filter.ts";
import { mapPieces, mapText } from "../../../components/cluster/injector/identity-map.ts";
import type { AuthentikUser } from "../../../roster/model.ts";

const HEADER = "X-authentik-username";
const tokens = new Map(["alice", "bob", "default", "a.b", "c+d@e"].map((who) => [who, `token-of-${who}`]));

const name = fc.oneof(
  fc.constantFrom(
    HEADER,
    "x-authentik-username",
    "X_authentik_username",
    "X-AUTHENTIK.USERNAME",
    "Authorization",
    "Cookie",
  ),
  fc.constantFrom(
    "Impersonate-User",
    "Proxy-Authorization",
    "Host",
    "Accept",
    "Sec-WebSocket-Protocol",
    "X-Remote-User",
  ),
  fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/),
);
const value = fc.oneof(
  fc.constantFrom(...tokens.keys(), "alice, bob", "Alice", "", "__proto__", "constructor", "Bearer stolen"),
  fc.string({ maxLength: 30 }),
);
const lines = fc.array(fc.tuple(name, value), { maxLength: 12 });

describe.each([
  ["as a header", { kind: "header" } as const, "authorization", (token: string) => `Bearer ${token}`],
  ["as a cookie", { kind: "cookie", name: "headlamp" } as const, "cookie", (token: string) => `headlamp=${token}`],
])("the token handed on %s", (_, handOn, carrier, written) => {
  const gate = requestFilter({
    origin: "https://dashboard.test",
    identityHeader: HEADER,
    tokens,
    handOn,
    passHeaders: [],
  });

  test("is the one of the identity that stands in exactly one line, and nothing else of a credential goes on", () => {
    fc.assert(
      fc.property(lines, (sent) => {
        const verdict = gate(sent.flat(), false);
        const said = sent.filter(([header]) => header.toLowerCase() === HEADER.toLowerCase()).map(([, who]) => who);
        const alike = sent.filter(
          ([header]) =>
            /^x[^a-z0-9]authentik[^a-z0-9]username$/i.test(header) && header.toLowerCase() !== HEADER.toLowerCase(),
        );
        const [who] = said;
        const hosts = sent.filter(([header]) => header.toLowerCase() === "host").length;
        if (verdict.kind === "refuse") {
          const isGood = said.length === 1 && who !== undefined && tokens.has(who) && alike.length === 0 && hosts === 1;
          const isOdd = sent.some(([header]) => /^(transfer-encoding|content-length|upgrade)$/i.test(header));
          expect(isGood && !isOdd).toBe(false);
          return;
        }
        expect([said.length, alike.length, hosts]).toEqual([1, 0, 1]);
        expect(verdict.headers.get(carrier)).toEqual([written(tokens.get(who ?? "") ?? "nobody")]);
        const credentials = [...verdict.headers.keys()].filter((header) =>
          /^(authorization|cookie|impersonate|proxy-|x-remote|x.authentik)/.test(header),
        );
        expect(credentials).toEqual([carrier]);
      }),
      { numRuns: 5_000 },
    );
  });
});

test("the map's pieces hold everybody exactly once, in the same way for any order, and read back as they were", () => {
  const identity = fc.oneof(
    fc.constantFrom("__proto__", "constructor", "default", "1", "01"),
    fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,40}$/),
  );
  fc.assert(
    fc.property(fc.uniqueArray(identity, { maxLength: 900 }), fc.boolean(), (all, turned) => {
      const people = all as AuthentikUser[];
      const pieces = mapPieces(turned ? [...people].reverse() : people);
      expect(pieces).toEqual(mapPieces(people));
      const read = pieces.flatMap(({ identities }) =>
        Object.entries(JSON.parse(mapText(identities.map((who) => [who, `t:${who}`])))),
      );
      expect(new Map(read as [string, string][])).toEqual(new Map(people.map((who) => [who, `t:${who}`])));
      expect(read).toHaveLength(people.length);
    }),
    { numRuns: 100 },
  );
});
