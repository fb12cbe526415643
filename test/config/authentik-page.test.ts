/** The examples of docs/authentik.md are whole: they parse, and the program takes its own part of them. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { authenticationText } from "../../components/cluster/api-server/authentication.ts";
import { settings } from "./raw-config.ts";

const page = readFileSync(new URL("../../docs/authentik.md", import.meta.url), "utf8");
const documents = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = ""]) =>
  parseAllDocuments(text).map((document) => document.toJS() as Readonly<Record<string, unknown>>),
);

test("the settings of the page are taken, with the grant that works on a host without a browser", () => {
  const [own] = documents.flatMap((document) => document["workstation:cluster"] ?? []) as Record<string, object>[];
  // What the page has the engine encrypt, and nothing else.
  const cluster = { ...own, apiServer: { ...own?.apiServer, sshPrivateKey: "key" } };
  const parsed = settings({ cluster, kubeconfig: "k" }).cluster;
  expect(parsed?.oidc.grant).toBe("device-code");
  expect(parsed?.apiServer?.issuers).toEqual([{ url: parsed?.oidc.issuer, audiences: [parsed?.oidc.clientId] }]);
  expect(parsed?.apiServer?.controlPlanes).toHaveLength(1);
  expect(
    settings({ cluster: { ...cluster, oidc: { issuer: "https://i.test", clientId: "c" } } }).cluster?.oidc.grant,
  ).toBe("device-code");
});

const issuer = { url: "https://authentik.example/application/o/kubernetes/", audiences: ["kubernetes"] };

test("an API server that is set up by hand gets what the program writes, in the version that older ones read", () => {
  const file = documents.find(({ kind }) => kind === "AuthenticationConfiguration");
  const version = "apiserver.config.k8s.io/v1beta1";
  expect(file).toEqual({ ...(parse(authenticationText([issuer])) as object), apiVersion: version });
});

const objects = documents.filter((document) => "metadata" in document) as {
  readonly kind: string;
  readonly metadata: object;
  readonly spec?: object;
}[];

test("every object of the page has a kind, a name and the namespace of the middleware", () => {
  expect(objects.map(({ kind }) => kind)).toEqual([
    "Middleware",
    "Middleware",
    "Service",
    "EndpointSlice",
    "IngressRoute",
  ]);
  for (const { metadata } of objects)
    expect(metadata).toMatchObject({ name: expect.any(String), namespace: "authentik" });
});

test("the endpoint says that it is ready, which Traefik asks of one that nobody probes", () => {
  const slice = documents.find(({ kind }) => kind === "EndpointSlice");
  expect(slice?.endpoints).toEqual([{ addresses: ["10.0.0.5"], conditions: { ready: true, serving: true } }]);
});

test("the page quotes the API server's refusal as the program writes it", () => {
  const text = authenticationText([{ url: "https://i.test", audiences: ["c"] }]);
  for (const sentence of ["the e-mail is not a verified one", "a person cannot be in one of the system's groups"]) {
    expect(page).toContain(sentence);
    expect(text).toContain(sentence);
  }
});
