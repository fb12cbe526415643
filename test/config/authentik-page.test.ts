/** The examples of docs/authentik.md are whole: they parse, and the program takes its own part of them. */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
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

/** Traefik's own descriptions, of its release 3.7.9; they lie beside the project and not in it. */
const CRDS = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const DESCRIBED = { Middleware: "traefik.io_middlewares.yaml", IngressRoute: "traefik.io_ingressroutes.yaml" } as const;

interface Description {
  readonly spec: {
    readonly versions: readonly { readonly name: string; readonly schema: { openAPIV3Schema: object } }[];
  };
}

/** The API server drops fields that the description does not know; here they are faults. */
const closed = (schema: unknown): unknown => {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const { properties, type } = all;
  // One without properties, such as `metadata`, is described elsewhere.
  return type === "object" && properties !== undefined ? { ...all, additionalProperties: false } : all;
};

/** Reads what Traefik says of a kind. @returns what is wrong with an object, a line each */
function validatorOf(kind: keyof typeof DESCRIBED): (object: object) => readonly string[] {
  const { spec } = parse(readFileSync(`${CRDS}${DESCRIBED[kind]}`, "utf8")) as Description;
  const schema = spec.versions.find(({ name }) => name === "v1alpha1")?.schema.openAPIV3Schema;
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(
    closed(schema) as object,
  );
  return (object) => {
    validate(object);
    return (validate.errors ?? []).map(({ instancePath, message, params }) =>
      [instancePath, message, ...Object.values(params as object)].join(" "),
    );
  };
}

test.for([
  ["Middleware", 2],
  ["IngressRoute", 1],
] as const)("each %s of the page is as Traefik describes it", ([kind, count], { skip }) => {
  if (!existsSync(CRDS + DESCRIBED[kind]))
    return skip("Traefik's descriptions of its objects are not beside this project");
  const faultsIn = validatorOf(kind);
  const own = objects.filter((object) => object.kind === kind);
  expect(own.map(faultsIn)).toEqual(Array.from({ length: count }, () => []));
  for (const object of own) {
    const misspelt = { ...object, spec: { ...object.spec, entrypoints: ["websecure"] } };
    expect(faultsIn(misspelt)).toEqual(["/spec must NOT have additional properties entrypoints"]);
  }
});

test("the page quotes the API server's refusal as the program writes it", () => {
  const text = authenticationText([{ url: "https://i.test", audiences: ["c"] }]);
  for (const sentence of ["the e-mail is not a verified one", "a person cannot be in one of the system's groups"]) {
    expect(page).toContain(sentence);
    expect(text).toContain(sentence);
  }
});
