import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withoutSecrets } from "../../ci/snapshot/remove-secrets.ts";
import { KIND, SIGNATURE } from "../../ci/snapshot/state-schema.ts";

const NONE = new Map<string, string>();
const special = (kind: keyof typeof KIND, fields: object) => ({ [SIGNATURE]: KIND[kind], ...fields });
const secret = (value: unknown) => special("secret", { plaintext: JSON.stringify(value) });
const STACK = "urn:pulumi:prod::workstation::pulumi:pulumi:Stack::workstation-prod";
const manifest = { time: "2026-11-28T18:00:00Z", magic: "m", version: "v3.250.0" };
const exported = (fields: object) =>
  JSON.stringify({
    version: 3,
    deployment: { manifest, resources: [{ urn: STACK, custom: false, type: "pulumi:pulumi:Stack", ...fields }] },
  });
interface Scrubbed {
  readonly deployment: {
    readonly resources: readonly {
      readonly inputs: Record<string, unknown>;
      readonly outputs: Record<string, unknown>;
    }[];
    readonly secrets_providers: unknown;
  };
}
const scrubbed = (state: string, instead = NONE) => JSON.parse(withoutSecrets(state, instead, "salt")) as Scrubbed;
const inputsOf = (inputs: object, instead = NONE) =>
  scrubbed(exported({ inputs }), instead).deployment.resources[0]?.inputs;

const PEM_LINE = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
test.each([
  ["without its line end", "supersecretpassword\n", "supersecretpassword"],
  [
    "as a line of a key, indented",
    `-----BEGIN PRIVATE KEY-----\n${PEM_LINE}\n-----END PRIVATE KEY-----\n`,
    `key: |\n    ${PEM_LINE}\n`,
  ],
  ["in Go's JSON", "Xy7&kP2<qR9>zT4&m", String.raw`{"p":"Xy7\u0026kP2\u003cqR9\u003ezT4\u0026m"}`],
  ["in Go's query", "ab!cd'ef(gh)ij*kl mn", "p=ab%21cd%27ef%28gh%29ij%2Akl+mn"],
  ["with small hexadecimal digits", "ab/cd:ef/gh", "https://x.test/ab%2fcd%3aef%2fgh"],
  ["as a number", 4711471147, "port 4711471147"],
])("a copy of a secret %s is withheld", (_what, value, copy) => {
  expect(inputsOf({ hidden: secret(value), copy, kept: "a plain text" })).toMatchObject({
    copy: "withheld",
    kept: "a plain text",
  });
});

test("a copy of a secret number is withheld as a number", () => {
  expect(inputsOf({ hidden: secret(4711471147), copy: 4711471147, kept: 8080 })).toMatchObject({ copy: 0, kept: 8080 });
});

describe("a state of every kind of value, as the engine exports it", () => {
  const state = readFileSync(new URL("fixtures/state-of-every-kind.json", import.meta.url), "utf8");
  const text = withoutSecrets(state, NONE, "salt");
  const byName = new Map(
    (JSON.parse(text) as Scrubbed).deployment.resources.map((resource) => [
      String((resource as unknown as { urn: string }).urn)
        .split("::")
        .at(-1),
      resource,
    ]),
  );

  test("keeps no secret, and no copy of one in plain text", () => {
    expect(state.match(/canary/g)?.length).toBeGreaterThan(35);
    expect(text).not.toMatch(/canary|pin4711|42424242/);
    for (const hidden of ["canary-token-41d09c", "pin4711"]) {
      expect(text).not.toContain(Buffer.from(hidden).toString("base64").slice(0, -3));
    }
  });

  test("keeps what is not secret, in its form", () => {
    expect(byName.get("every-kind")).toMatchObject({
      inputs: {
        kept: "a plain text",
        looksLike: { signature: KIND.secret, plaintext: "plain" },
        assets: { text: { text: "plain text" }, files: { assets: { sub: { path: "folder" } } } },
        references: { custom: { packageVersion: "4.34.2" } },
        unknown: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      },
      ...{ propertyDependencies: { numbers: [] }, ignoreChanges: ["metadata.labels"], hideDiff: ["kept.a[0]"] },
      ...{ taint: true, refreshBeforeUpdate: true, protect: true },
    });
    expect(byName.get("injector")).toMatchObject({ propertyDependencies: { metadata: null }, id: "headlamp/injector" });
  });

  test("keeps the form of what is secret", () => {
    const inputs = byName.get("every-kind")?.inputs ?? {};
    const plain = (value: unknown): unknown => JSON.parse((value as { readonly plaintext: string }).plaintext);
    expect(plain(inputs.texts)).toEqual(["withheld", ["withheld"], "withheld"]);
    expect(plain(inputs.switches)).toEqual({ on: false, off: false, none: null });
    expect(plain(inputs.nested)).toEqual({
      outer: "withheld",
      inner: secret({ deep: "withheld", deeper: secret("withheld") }),
    });
    expect(plain(inputs.keys)).toEqual({ "withheld-2": "withheld", "ca.crt": "withheld" });
    expect(plain(inputs.secretUnknown)).toBe("04da6b54-80e4-46f7-96ec-b56ff0331ba9");
    expect(plain(inputs.secretAssets)).toMatchObject({
      text: { [SIGNATURE]: KIND.asset, text: "withheld" },
      uri: { uri: "https://withheld.invalid/" },
      files: { assets: { "withheld-1": { text: "withheld" } } },
    });
    expect(plain(inputs.secretReferences)).toMatchObject({
      own: { id: "2f1cdb2e-5f0e-4a52-9c6f-6a3c8b0f6d11" },
      foreign: { urn: expect.stringMatching(/^urn:pulumi:withheld::/), id: "withheld" },
    });
  });

  test("leaves out the operations that were pending, and is encrypted for its new place", () => {
    expect(text).not.toContain("half-made");
    expect((JSON.parse(text) as Scrubbed).deployment.secrets_providers).toEqual({
      type: "passphrase",
      state: { salt: "salt" },
    });
  });
});

const canary = fc.stringMatching(/^canary-[a-z0-9]{8}$/);
/** A value as it may stand in a secret; each text in it is one. */
const secretValue = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    canary,
    fc.constantFrom(null, true, 7, 0.5),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom("data", "ca.crt", "__proto__", "constructor"),
        canary.map((text) => `${text}=`),
      ),
      tie("value"),
      {
        maxKeys: 3,
      },
    ),
    tie("value").map(secret),
    canary.map((text) => special("asset", { hash: text, text })),
    canary.map((path) => special("archive", { assets: { [path]: special("archive", { hash: path, path }) } })),
    fc
      .record({ urn: canary, id: canary })
      .map((fields) => special("reference", { ...fields, packageVersion: "1.0.0" })),
    fc.constant(special("float", { value: "7ff0000000000000" })),
  ),
})).value;

/** Every text of a value, those of nested secrets too. */
function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return /^canary-/.test(value) ? [value] : [];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => [
    ...textsIn(key),
    ...textsIn(key === "plaintext" ? (JSON.parse(String(item)) as unknown) : item),
  ]);
}
/** Ways in which a provider repeats a secret text in plain text. */
const copies: readonly ((text: string) => unknown)[] = [
  (text) => text,
  (text) => `--token=${text} --verbose`,
  (text) => JSON.stringify({ annotation: JSON.stringify({ text }) }),
  (text) => Buffer.from(text).toString("base64"),
  (text) => `Basic ${Buffer.from(`emo:${text}`).toString("base64")}`,
  (text) => encodeURIComponent(text),
  (text) => ({ [text]: "owner" }),
  (text) => special("asset", { hash: "h", text: `x ${text}` }),
];

test("no text of a secret is left, at whatever depth it stands, nor a copy of it in plain text", () => {
  fc.assert(
    fc.property(secretValue, fc.nat(copies.length - 1), (value, way) => {
      const copied = textsIn(value).map((text) => copies[way]?.(text));
      const text = withoutSecrets(
        exported({
          inputs: { value: secret(value), deep: [{ value: secret(value) }] },
          outputs: { copied, kept: "kept" },
        }),
        NONE,
        "salt",
      );
      expect(text).not.toMatch(/canary-/);
      for (const one of textsIn(value)) expect(text).not.toContain(Buffer.from(one).toString("base64").slice(0, -2));
      expect(text).toContain("kept");
    }),
  );
});

test("what a state holds beside its secrets comes out as it went in", () => {
  const plain = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes(SIGNATURE));
  fc.assert(
    fc.property(plain, (value) => {
      const state = exported({ inputs: { value, token: secret("canary-token") } });
      expect(JSON.stringify(scrubbed(state).deployment.resources[0]?.inputs.value)).toBe(JSON.stringify(value));
    }),
  );
});

test("a credential of the program becomes the preview's, whole texts only and in secrets only", () => {
  const inputs = {
    token: secret("writes-it"),
    longer: secret("writes-it too"),
    plain: "writes-it",
    both: secret({ a: secret("writes-it") }),
  };
  expect(inputsOf(inputs, new Map([["writes-it", "reads-it"]]))).toEqual({
    token: secret("reads-it"),
    longer: secret("withheld"),
    plain: "withheld",
    both: secret({ a: secret("reads-it") }),
  });
});

test("an input that is secret is withheld among the outputs too, however short", () => {
  const inputs = { env: { PIN: secret("0000") } };
  const outputs = { env: { PIN: "0000", OTHER: "0001" }, __inputs: { env: { PIN: "0000" } } };
  expect(scrubbed(exported({ inputs, outputs })).deployment.resources[0]?.outputs).toEqual({
    env: { PIN: secret("withheld"), OTHER: "0001" },
    __inputs: { env: { PIN: secret("withheld") } },
  });
});

test("a certificate and a namespace in a ServiceAccount's Secret are public, and stay where they stand in plain text", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQm9n\n-----END CERTIFICATE-----\n";
  const data = {
    "ca.crt": Buffer.from(pem).toString("base64"),
    namespace: Buffer.from("plotting-book").toString("base64"),
  };
  expect(inputsOf({ data: secret(data), caData: data["ca.crt"], namespace: "plotting-book" })).toMatchObject({
    caData: data["ca.crt"],
    namespace: "plotting-book",
  });
});

test("where a connection leads is public: a trigger on the host's key stays as it is, and the connection's key does not", () => {
  const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample";
  const fields = (privateKey: string) => ({ host: "workstation-1", user: "deployment", hostKey, privateKey });
  const kept = { triggers: [hostKey], create: "ssh deployment@workstation-1" };
  const resource = {
    ...{ urn: "urn:pulumi:prod::workstation::command:remote:Command::workstation-1", type: "command:remote:Command" },
    inputs: { connection: secret(fields("canary-key")), ...kept, stdin: "key: canary-key" },
  };
  expect(scrubbed(exported(resource)).deployment.resources[0]?.inputs).toEqual({
    connection: secret(Object.fromEntries(Object.keys(fields("")).map((key) => [key, "withheld"]))),
    ...kept,
    stdin: "withheld",
  });
});

test.each([
  [
    "a secret that is still encrypted",
    { inputs: { a: { [SIGNATURE]: KIND.secret, ciphertext: "v1:canary" } } },
    "still encrypted",
  ],
  [
    "an encrypted secret within a secret",
    { inputs: { a: secret({ [SIGNATURE]: KIND.secret, ciphertext: "v1:canary" }) } },
    "still encrypted",
  ],
  ["a secret with a second value", { inputs: { a: { ...secret("canary"), more: 1 } } }, "unknown fields"],
  ["a secret whose text is not JSON", { inputs: { a: special("secret", { plaintext: "canary" }) } }, "not JSON"],
  [
    "an output value, which no state holds",
    { inputs: { a: { [SIGNATURE]: "d0e6a833031e9bbcd3f4e8bde6ca49a4" } } },
    "unknown kind",
  ],
  ["an unknown signature within a secret", { inputs: { a: secret([{ [SIGNATURE]: "canary" }]) } }, "unknown kind"],
  ["a signature that is no text", { inputs: { a: { [SIGNATURE]: { canary: 1 } } } }, "unknown kind"],
  ["a signature in place of the properties", { inputs: secret("canary") }, "one special value"],
  ["an asset with an unknown field", { inputs: { a: special("asset", { constructor: "canary" }) } }, "unknown fields"],
  [
    "an archive of something else",
    { inputs: { a: special("archive", { assets: { a: "canary" } }) } },
    "unknown fields",
  ],
  ["an unknown field of a resource", { canary: { a: secret("canary") } }, "unknown: canary"],
  [
    "a secret in a resource's name",
    { parent: "urn:canary-canary", inputs: { a: secret("canary-canary") } },
    "Resource 1 .* has a secret of the state in its name",
  ],
])("%s stops the publication", (_what, fields, message) => {
  expect(() => withoutSecrets(exported(fields), NONE, "salt")).toThrow(new RegExp(message));
});

test.each([
  ["a newer version", { version: 5, deployment: { manifest } }, "version"],
  ["an unknown feature", { version: 4, features: ["canary"], deployment: { manifest } }, "features.0"],
  ["an unknown part", { version: 3, deployment: { manifest, more: [] } }, "unknown: more"],
])("a state with %s stops the publication and names the place", (_what, state, message) => {
  expect(() => withoutSecrets(JSON.stringify(state), NONE, "salt")).toThrow(message);
});
