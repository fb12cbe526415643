import fc from "fast-check";
import { expect, test } from "vitest";
import { withoutSecrets } from "../../ci/snapshot/scrub.ts";

const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});
const exported = (resource: object) =>
  JSON.stringify({ version: 3, deployment: { resources: [resource], secrets_providers: { type: "x", state: "y" } } });

test("no secret text is left of a state, at whatever depth it stands, and all else stays", () => {
  const word = fc.stringMatching(/^canary-[a-z0-9]{8}$/);
  fc.assert(
    fc.property(word, word, (one, two) => {
      const inputs = {
        plain: "kept",
        list: [secret(one)],
        deep: { text: secret(JSON.stringify({ token: two })), map: secret({ a: [two, 7] }) },
      };
      const text = withoutSecrets(exported({ urn: "u", inputs }), new Map(), "salt");
      expect(text).not.toMatch(/canary/);
      expect(text).toContain("kept");
    }),
  );
});

test("a credential of the program becomes the preview's, whole texts only", () => {
  const state = exported({ urn: "u", inputs: { token: secret("writes"), longer: secret("writes too") } });
  const text = withoutSecrets(state, new Map([["writes", "reads"]]), "salt");
  const { deployment } = JSON.parse(text) as {
    deployment: { resources: [{ inputs: unknown }]; secrets_providers: unknown };
  };
  expect(deployment.resources[0].inputs).toEqual({ token: secret("reads"), longer: secret("withheld") });
  expect(deployment.secrets_providers).toEqual({ type: "passphrase", state: { salt: "salt" } });
});

test("a secret that is still encrypted is no state for a preview", () => {
  const { plaintext: _, ...sealed } = secret("x");
  const state = exported({ urn: "u", inputs: { token: { ...sealed, ciphertext: "v1:abc" } } });
  expect(() => withoutSecrets(state, new Map(), "salt")).toThrow("still encrypted");
});
