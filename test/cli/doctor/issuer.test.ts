/** What an issuer's discovery document and its page for device codes come to. */

import { expect, test } from "vitest";
import { devicePageChecks, judgeIssuer } from "../../../cli/doctor/issuer.ts";
import type { Check } from "../../../cli/doctor/model.ts";

const ISSUER = "https://sso.test/application/o/kubernetes/";
const ENDPOINT = "https://sso.test/application/o/device/";
const oidc = { issuer: ISSUER, clientId: "c", grant: "device-code" as const };
const document = (body: object, status = 200) => ({ status, text: JSON.stringify(body) });
const lines = (checks: readonly Check[]) => checks.map(({ state, what, found }) => `${state} ${what}: ${found}`);

test("an issuer must name itself as the settings do, and offer the grant", () => {
  const of = (body: object, status = 200) => lines(judgeIssuer(oidc, document(body, status)));
  expect(of({ issuer: ISSUER, device_authorization_endpoint: ENDPOINT })).toEqual([
    "ok issuer: names itself as the settings do",
    "ok grant: device-code, by its discovery document",
  ]);
  expect(of({ issuer: "https://sso.test/o" })).toEqual([
    "missing issuer: it calls itself https://sso.test/o",
    "missing grant: it offers no device code",
  ]);
  expect(of({}, 404)).toEqual(["missing issuer: no discovery document (status 404)"]);
});

test("an issuer without the grant is told the setting that the other grant needs", () => {
  const [, grant] = judgeIssuer(oidc, document({ issuer: ISSUER }));
  expect(grant?.remedy).toContain("cluster.oidc.redirectUrl");
});

/** @param status that the page answers */
async function devicePage(
  status: number,
  endpoint = ENDPOINT,
  settings: Parameters<typeof devicePageChecks>[0] = oidc,
) {
  const asked: string[] = [];
  const checks = await devicePageChecks(
    settings,
    document({ issuer: ISSUER, device_authorization_endpoint: endpoint }),
    async ({ href }) => {
      asked.push(href);
      return { status };
    },
  );
  return { asked, checks };
}

test.each([
  [404, "missing device page: there is none (status 404)"],
  [502, "missing device page: status 502"],
  [302, "untried device page: it asks for a sign-in first (status 302)"],
  [200, "ok device page: there"],
])("authentik's page for device codes that answers %i is told as what that shows", async (status, line) => {
  const { asked, checks } = await devicePage(status);
  expect([asked, lines(checks)]).toEqual([["https://sso.test/device"], [line]]);
  if (status !== 200) expect(checks[0]?.remedy).toContain("device code flow");
});

test("an authentik below a path has its page there", async () => {
  const { asked } = await devicePage(302, "https://sso.test/authentik/application/o/device/");
  expect(asked).toEqual(["https://sso.test/authentik/device"]);
});

test("the page of another issuer is not guessed, and with another grant none is looked at", async () => {
  const other = await devicePage(200, "https://sso.test/realms/a/protocol/openid-connect/auth/device");
  expect(other.asked).toEqual([]);
  expect(lines(other.checks)).toEqual([expect.stringMatching(/^untried device page: only an answer of https:\/\/sso/)]);
  const authcode = await devicePage(404, ENDPOINT, { ...oidc, grant: "authcode" });
  expect(authcode).toEqual({ asked: [], checks: [] });
});
