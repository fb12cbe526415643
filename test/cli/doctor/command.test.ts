/** `./ws doctor` as an operator calls it: whatever cannot be reached is told at once, and no secret is in the output. */

import { expect, test } from "vitest";
import type { Check } from "../../../cli/doctor/model.ts";
import { stackBench } from "../stack-fixture.ts";

const NOWHERE = "127.0.0.1";
const KEY = "-----BEGIN A KEY THAT IS SECRET-----";
const bench = stackBench({ "roster.yaml": "users:\n  wizard: {authentik_user: w, k8s_user: w, tier: admin}\n" });
const doctor = (...args: string[]) => bench.ws(["doctor", ...args], "", { PATH: bench.path });
const refused = `https://${NOWHERE}:1`;

test("every surface of a site that cannot be reached is a finding of its own, and the exit code is 1", () => {
  bench.configure(
    "roster.yaml",
    {
      hosts: [{ name: "devvm", address: NOWHERE, port: 1, hostKey: "ssh-ed25519 AAAA" }],
      cluster: { server: refused, caData: "eA==", oidc: { issuer: `${refused}/`, clientId: "c" } },
      kubeconfig: "nonsense",
      vault: { address: refused, caCertFile: "absent.pem" },
      vaultToken: "hvs.a-token-that-is-secret",
      forgejo: { username: "ops", url: refused },
      sshPrivateKey: KEY,
    },
    KEY,
  );
  const ran = doctor("--json");
  const { ok, checks } = JSON.parse(ran.out) as { ok: boolean; checks: readonly Check[] };
  expect([ran.code, ok]).toEqual([1, false]);
  expect(checks.filter(({ state }) => state === "missing").map(({ surface, what }) => `${surface} ${what}`)).toEqual(
    expect.arrayContaining([
      "configuration file of vault.caCertFile",
      "host login",
      "cluster connection",
      "vault token",
      "forge sign-in",
      "address issuer",
      "address connection",
      "address mirror",
    ]),
  );
  for (const { state, remedy } of checks) expect(state === "missing" ? remedy : "-").not.toBe("");
  expect(`${ran.out}${ran.err}`).not.toMatch(/that-is-secret|THAT IS SECRET|nonsense/);
  expect(ran.err).toBe("");
});

test("the text names what is missing with its remedy below, and says that nothing was changed", () => {
  const ran = doctor();
  expect(ran.code).toBe(1);
  expect(ran.out).toMatch(
    /^missing {3}host devvm \(127\.0\.0\.1:1\) as root: login: .*; expected a login by the configured key/m,
  );
  expect(ran.out).toMatch(/^ {12}compare hosts\[\]\.hostKey with: ssh-keyscan/m);
  expect(ran.out).toMatch(/found something missing; 1 could not be tried\. Nothing was changed\.$/m);
});

test("settings that cannot be used, and a stack that pulumi does not know, are findings as well", () => {
  bench.configure("roster.yaml", { hosts: [] });
  expect(doctor().out).toContain("The configuration of this stack cannot be used");
  bench.configure("roster.yaml", { stem95su: { host: "site.test.org" } });
  expect(doctor().out).toContain("must have a cluster to run in");
  const ran = bench.ws(["doctor", "--json"], "", { PATH: bench.path, ANSWER: "error: no stack selected" });
  expect([ran.code, JSON.parse(ran.out)]).toMatchObject([1, { ok: false, checks: [{ surface: "configuration" }] }]);
});
