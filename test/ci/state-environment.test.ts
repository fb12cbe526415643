import { afterEach, expect, test, vi } from "vitest";
import { environment, secrets, useStateEnvironment, withoutSecrets } from "../../ci/environment.ts";

const STATE = "PULUMI_BACKEND_URL=postgres://ws:Tr0ub4dor@db.example/state\nVAULT_SERVER_TOKEN=hvs.token-of-the-state";

afterEach(() => {
  vi.unstubAllEnvs();
});

test("a step that another step starts knows the state's credentials as the first does, and takes them from what needs none", () => {
  for (const name of ["PULUMI_BACKEND_URL", "VAULT_SERVER_TOKEN"]) vi.stubEnv(name, undefined);
  vi.stubEnv("WS_STATE_ENVIRONMENT", STATE);
  useStateEnvironment();
  const handedOn = environment({});
  for (const name of ["PULUMI_BACKEND_URL", "VAULT_SERVER_TOKEN"]) vi.stubEnv(name, handedOn[name]);
  vi.stubEnv("WS_STATE_ENVIRONMENT", handedOn.WS_STATE_ENVIRONMENT);
  expect(secrets()).toEqual(expect.arrayContaining(["Tr0ub4dor", "hvs.token-of-the-state"]));
  const bare = environment(withoutSecrets());
  expect([bare.PULUMI_BACKEND_URL, bare.VAULT_SERVER_TOKEN, bare.WS_STATE_ENVIRONMENT]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("the password in the previews' place is a secret, and its line may be of another form", () => {
  vi.stubEnv("WS_PREVIEW_ENVIRONMENT", "PULUMI_BACKEND_URL=postgres://ws:Pr3view-pw@db.example/previews");
  expect(secrets()).toContain("Pr3view-pw");
  vi.stubEnv("WS_PREVIEW_ENVIRONMENT", "no line of the form");
  expect(secrets()).toContain("no line of the form");
});
