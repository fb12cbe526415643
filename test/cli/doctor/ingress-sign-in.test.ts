/** Whether the ingress asks for a sign-in before the portal and the code servers, by what it answers somebody without one. */

import { expect, test } from "vitest";
import { ingressSignInChecks } from "../../../cli/doctor/ingress-sign-in.ts";
import { HttpFailure } from "../../../clients/http/send.ts";
import { LEAST, settings } from "../../config/raw-config.ts";

const listen = { socket: "/run/test.sock" };
const { devvm } = settings({
  devvm: {
    ...LEAST.devvm,
    lobby: { listen, origin: "https://lobby.test" },
    gate: { listen, origin: "https://code.test" },
  },
});

/** What is said of a portal that answers so. */
async function portal(status: number, location?: string) {
  const headers = new Map(location === undefined ? [] : [["location", location]]);
  const [check, ...others] = await ingressSignInChecks({ ...devvm, gate: undefined }, async () => ({
    status,
    headers,
  }));
  expect([check?.what, others]).toEqual(["sign-in", []]);
  return `${check?.state} ${check?.found}: ${check?.remedy}`;
}

test.each([
  [302, "https://sso.test/application/o/authorize/?state=s3cret", "ok it is asked for at https://sso.test: "],
  [303, "/outpost.goauthentik.io/start?rd=x", "ok it is asked for at https://lobby.test: "],
  [307, "https://sso.test/", "ok it is asked for at https://sso.test: "],
  [401, undefined, "ok it is asked for (status 401): "],
])("status %i to %s is a sign-in that is asked for", async (status, location, said) => {
  expect(await portal(status, location)).toBe(said);
});

test.each([
  [
    200,
    undefined,
    /^missing status 200 without a sign-in: no sign-in comes before it: put the middleware forward-auth/,
  ],
  [403, undefined, /^missing status 403 without a sign-in: no sign-in comes before it/],
  [404, undefined, /^missing status 404 .*IngressRoute.*outpost.*conditions/],
  [502, undefined, /^missing status 502 .*log/],
  [503, undefined, /^missing status 503 .*log/],
  [301, "https://sso.test/", /^missing status 301 /],
  [302, undefined, /^missing it leads to \/ of its own: /],
  [302, "/login?next=%2F", /^missing it leads to \/login of its own: /],
  [302, "http://lobby.test/", /^missing it leads to \/ of its own: /],
])("status %i to %s is no sign-in", async (status, location, said) => {
  expect(await portal(status, location)).toMatch(said);
});

test("each of the two is asked once at its own origin, and one that does not answer is left to the other findings", async () => {
  const asked: string[] = [];
  const checks = await ingressSignInChecks(devvm, async ({ href }) => {
    asked.push(href);
    throw new HttpFailure("nothing listens there (connection refused)", false);
  });
  expect(asked).toEqual(["https://lobby.test/", "https://code.test/"]);
  expect(checks.map(({ state, where }) => `${state} ${where}`)).toEqual([
    "untried https://lobby.test",
    "untried https://code.test",
  ]);
});
