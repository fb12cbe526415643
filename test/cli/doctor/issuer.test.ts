/** What an issuer's discovery document comes to. */

import { expect, test } from "vitest";
import { judgeIssuer } from "../../../cli/doctor/issuer.ts";
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
    "ok grant: device-code",
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
