/** The examples of docs/authentik.md are whole: they parse, and the program takes its own part of them. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { authenticationText } from "../../components/cluster/api-server/authentication.ts";
import { settings } from "./raw-config.ts";

const page = readFileSync(new URL("../../docs/authentik.md", import.meta.url), "utf8");
const documents = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, text = ""]) =>
  parseAllDocuments(text).map((document) => document.toJS() as Readonly<Record<string, unknown>>),
);

test("the settings of the page are taken, with the grant that works on a host without a browser", () => {
  const [own] = documents.flatMap((document) => document["workstation:cluster"] ?? []) as Record<string, object>[];
  const apiServer = {
    ...own?.apiServer,
    sshPrivateKey: "key",
    controlPlanes: [{ name: "a", address: "a", hostKey: "k" }],
  };
  const cluster = { server: "https://api.test", caData: "eA==", ...own, apiServer };
  const parsed = settings({ cluster, kubeconfig: "k" }).cluster;
  expect(parsed?.oidc.grant).toBe("device-code");
  expect(
    settings({ cluster: { ...cluster, oidc: { issuer: "https://i.test", clientId: "c" } } }).cluster?.oidc.grant,
  ).toBe("device-code");
});

test("every object of the page has a kind, a name and the namespace of the middleware", () => {
  const objects = documents.filter((document) => "kind" in document) as { kind: string; metadata: object }[];
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

test("the page quotes the API server's refusal as the program writes it", () => {
  const text = authenticationText([{ url: "https://i.test", audiences: ["c"] }]);
  for (const sentence of ["the e-mail is not a verified one", "a person cannot be in one of the system's groups"]) {
    expect(page).toContain(sentence);
    expect(text).toContain(sentence);
  }
});
