/** Each fault of a certificate is told with its own remedy. */

import { expect, test } from "vitest";
import { judgeCertificate } from "../../../cli/doctor/certificate.ts";
import { GOOD, NOW } from "./good-certificate.ts";

const target = { surface: "address", where: "https://a.test", who: "" } as const;
const judged = (setting: string, changes: object) =>
  judgeCertificate(target, setting, { ...GOOD, ...changes }, NOW).map(
    ({ state, found, remedy }) => `${state} ${found}: ${remedy}`,
  );

test("a certificate of this host, from a trusted authority and valid for weeks, is well", () => {
  expect(judged("vault.address", {})).toEqual(["ok valid until 2026-06-01: "]);
});

test("only the dates ask for a renewal", () => {
  const renew = "renew the certificate of the server that vault.address names";
  expect(judged("vault.address", { validTo: new Date("2026-01-01") })).toEqual([
    `missing it expired on 2026-01-01: ${renew}`,
  ]);
  expect(judged("vault.address", { validTo: new Date("2026-01-12") })).toEqual([
    `missing it expires on 2026-01-12, in 2 days: ${renew}`,
  ]);
});

test.each([
  ["devvm.lobby.origin", /name its certificate in NODE_EXTRA_CA_CERTS here, and put it into each host's trust list/],
  ["vault.address", /name it in vault\.caCertFile/],
  ["cluster.server", /^correct cluster\.caData/],
])("an authority that is not trusted for %s is one to trust, and nothing to renew", (setting, remedy) => {
  const [found, ...others] = judged(setting, { distrust: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  expect(others).toEqual([]);
  expect(found?.replace(/^missing it is not trusted here \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\): /, "")).toMatch(remedy);
  expect(found).not.toContain("renew");
});

test.each([
  ["stem95su.host", "name a Secret with a certificate for a.test in stem95su.tlsSecret, or correct stem95su.host"],
  ["devvm.lobby.origin", "give the server a certificate for a.test, or correct devvm.lobby.origin"],
])("a certificate of another name, for %s, says where the right one goes", (setting, remedy) => {
  expect(judged(setting, { otherName: "it is for b.test" })).toEqual([`missing it is for b.test: ${remedy}`]);
});
