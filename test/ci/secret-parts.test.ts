import { expect, test } from "vitest";
import { redactor } from "../../clients/http/redact.ts";
import { partsOfVariable, secretParts } from "../../ci/secret-parts.ts";

const KUBECONFIG = `apiVersion: v1
clusters: [{ name: x, cluster: { server: "https://api.example.com:6443" } }]
users: [{ name: workstation-preview, user: { token: bearer-of-the-preview } }]
`;
const AZURE =
  "DefaultEndpointsProtocol=https;AccountName=wsstate;AccountKey=Zm9vYmFyYmF6cXV4;EndpointSuffix=core.windows.net";
const GOOGLE = JSON.stringify({ type: "service_account", project_id: "people", private_key: "-----key-of-google" });

test.each([
  ["a token", "token-of-the-reader", ["token-of-the-reader"]],
  ["the password of a database's address", "postgres://ws:Tr0ub4dor@db.example/state?sslmode=disable", ["Tr0ub4dor"]],
  ["a password that is escaped", "postgres://ws:a%2Fb-c@db.example/state", ["a%2Fb-c", "a/b-c"]],
  ["the path of a chat's webhook", "https://chat.example.com/hooks/f7wq3c1x9z", ["f7wq3c1x9z"]],
  ["a signature in a query", "https://x.blob.core.windows.net/?sv=2024&sig=AbCdEf", ["2024", "AbCdEf"]],
  ["nothing of a bucket's address", "s3://state?region=eu-central-1&s3ForcePathStyle=true", []],
  ["the key of a connection string", `AZURE_STORAGE_CONNECTION_STRING=${AZURE}`, ["Zm9vYmFyYmF6cXV4"]],
  ["the token of a kubeconfig", KUBECONFIG, ["bearer-of-the-preview"]],
  ["the key of a service account", GOOGLE, ["-----key-of-google"]],
  [
    "each line by itself",
    "PULUMI_BACKEND_URL=postgres://ws:Tr0ub4dor@db.example/state\n# note\nAWS_REGION=eu-central-1\nPULUMI_CONFIG_PASSPHRASE=abc",
    ["Tr0ub4dor", "abc"],
  ],
])("of a credential is hidden: %s", (_what, value, expected) => {
  expect([...new Set(secretParts(value))]).toEqual(expected);
});

test("a value whose name does not say that it is secret is hidden, unless it is a region or a switch", () => {
  const parts = ["SOME_BACKEND", "AWS_REGION", "CI_DEBUG"].map((name, index) =>
    partsOfVariable(name, ["value-of-the-backend", "eu-central-1", "true"][index] ?? ""),
  );
  expect(parts).toEqual([["value-of-the-backend"], [], []]);
});

test("words that an admin must read stay, with a webhook and a kubeconfig of the same domain", () => {
  const redact = redactor(["https://chat.example.com/hooks/f7wq3c1x9z", KUBECONFIG].flatMap(secretParts));
  const text = "ada would get the e-mail ada@example.com: pulumi cancel --stack organization/workstation/prod";
  expect(redact(text)).toBe(text);
  expect(redact("POST https://chat.example.com/hooks/f7wq3c1x9z failed")).not.toContain("f7wq3c1x");
});
