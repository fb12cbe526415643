/** Settings of the cluster that would open a hole are refused where they are read. */

import { describe, expect, test } from "vitest";
import { cluster } from "../../config/settings/cluster.ts";
import { dashboard } from "../../config/settings/dashboard.ts";
import { apiServer } from "../../config/settings/api-server.ts";
import { DASHBOARD } from "./dashboard-settings.ts";

const problems = (settings: object) =>
  dashboard
    .safeParse({ ...DASHBOARD, ...settings })
    .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

test("what is written out is enough, and the rest has safe defaults", () => {
  expect(dashboard.parse(DASHBOARD)).toMatchObject({
    createNamespace: false,
    identityHeader: "X-authentik-username",
    handOn: { kind: "header" },
    passHeaders: [],
    ingress: { forwardAuth: { annotation: "traefik.ingress.kubernetes.io/router.middlewares" } },
  });
});

describe("is refused", () => {
  test.each([
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Impersonate-User",
    "impersonate-extra-x",
    "Connection",
    "Upgrade",
    "X-Remote-User",
  ])("passing on the client's %s", (header) => {
    expect(problems({ passHeaders: [header] })).toEqual([
      "passHeaders.0: is never passed on: it could carry somebody's rights",
    ]);
  });

  test.each([
    [
      "a header with an underscore",
      { identityHeader: "X_authentik_username" },
      /identityHeader: must be a header's name/,
    ],
    ["a dashboard with a path", { backend: { origin: "http://d:80/base" } }, /backend.origin: must be http/],
    ["a cookie that is two", { handOn: { kind: "cookie", name: "a=b; c" } }, /handOn.name: must be a cookie's name/],
    ["no group at all", { admitted: { groups: [] } }, /admitted.groups/],
    ["a shared secret that can be guessed", { sharedSecret: { value: "secret" } }, /sharedSecret.value/],
    [
      "a host with a quote in it",
      { ingress: { ...DASHBOARD.ingress, host: "a'b" } },
      /ingress.host: must be a DNS name/,
    ],
    [
      "an ingress without the identity proxy",
      { ingress: { ...DASHBOARD.ingress, forwardAuth: undefined } },
      /ingress.forwardAuth/,
    ],
  ])("%s", (_, settings, message) => {
    expect(problems(settings)?.join("\n")).toMatch(message);
  });
});

describe("the API server's issuers", () => {
  const planes = [{ name: "cp1", address: "10.0.0.1", hostKey: "ssh-ed25519 AAAA" }];
  const parsed = (issuers: object[]) =>
    apiServer.safeParse({ issuers, sshPrivateKey: "key", controlPlanes: planes }).success;

  test.each([
    [
      "two of them",
      [
        { url: "https://a.test/", audiences: ["a"] },
        { url: "https://b.test/", audiences: ["b"] },
      ],
      true,
    ],
    ["none", [], false],
    [
      "one twice",
      [
        { url: "https://a.test/", audiences: ["a"] },
        { url: "https://a.test/", audiences: ["b"] },
      ],
      false,
    ],
    ["one without TLS", [{ url: "http://a.test/", audiences: ["a"] }], false],
    ["one for everybody's tokens", [{ url: "https://a.test/", audiences: [] }], false],
  ])("%s", (_, issuers, isGood) => {
    expect(parsed(issuers)).toBe(isGood);
  });
});

test("a sign-in by a typed code needs the address to which the issuer sends the code", () => {
  const of = (oidc: object) =>
    cluster.shape.oidc
      .safeParse({ issuer: "https://i.test/", clientId: "c", ...oidc })
      .error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  expect(of({ grant: "authcode-keyboard" })).toEqual([
    "redirectUrl: must be set where grant is authcode-keyboard: kubelogin has no default for it",
  ]);
  expect(of({ grant: "authcode-keyboard", redirectUrl: "http://localhost" })).toBeUndefined();
  // It stays while the grant changes, so that kubeconfigs with it are still known as the program's.
  expect(of({ redirectUrl: "http://localhost" })).toBeUndefined();
});
