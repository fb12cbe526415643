import { expect, test } from "vitest";
import { redactor } from "../../clients/http/redact.ts";
import { secretParts } from "../../ci/redaction/secret-parts-of-credentials.ts";

const KUBECONFIG = `apiVersion: v1
clusters: [{ name: x, cluster: { server: "https://api.example.com:6443/k8s/clusters/local", certificate-authority: /etc/ca.crt } }]
users: [{ name: workstation-preview, user: { token: bearer-of-the-preview, client-key-data: a2V5 } }]
`;
const WITH_COMMAND = `users: [{ user: { exec: { args: [get-token, --oidc-client-secret=of-the-client], env: [{ name: A, value: of-the-env }] } } }]`;
const AZURE =
  "DefaultEndpointsProtocol=https;AccountName=wsstate;AccountKey=Zm9vYmFyYmF6cXV4;EndpointSuffix=core.windows.net";
const GOOGLE = JSON.stringify({
  ...{ type: "service_account", project_id: "people", token_uri: "https://oauth2.googleapis.com/token" },
  private_key: "-----key-of-google",
});

test.each([
  ["a token", "ws_forge_token", "token-of-the-reader", ["token-of-the-reader"]],
  ["a token that ends like base64", "ws_forge_token", "c2VjcmV0dG9rZW5hYQ==", ["c2VjcmV0dG9rZW5hYQ=="]],
  ["a token that looks like a line", "WS_FORGE_TOKEN", "abc=x", ["abc=x"]],
  ["a passphrase with a colon", "PULUMI_CONFIG_PASSPHRASE", "correct token: horse", ["correct token: horse"]],
  ["a login: nothing", "ws_forge_user", "wizard", []],
  ["a webhook's path", "ws_chat_webhook", "https://chat.example.com/hooks/f7wq3c1x9z", ["f7wq3c1x9z"]],
  [
    "all of a path's words",
    "ws_chat_webhook",
    "https://x.example/API_v1/hooks/correct-horse",
    ["API_v1", "correct-horse"],
  ],
  ["a webhook's signature", "ws_chat_webhook", "https://x.example/workflows?api-version=1&sp=a&sig=Ab12", ["Ab12"]],
  ["the password in a webhook", "ws_chat_webhook", "https://bot:sEcReT-pass@x.example/hooks", ["sEcReT-pass"]],
  ["a webhook that is no address", "ws_chat_webhook", "hooks.slack.com/services/T01", ["hooks.slack.com/services/T01"]],
  [
    "a chat's key, and not the words of its path",
    "ws_chat_webhook",
    "https://chat.example.com/v1/spaces/AAQA1b2c3D/messages?key=k3y",
    ["k3y", "AAQA1b2c3D"],
  ],
  ["a key behind a name that tells of a file", "backup_service_account", GOOGLE, [GOOGLE]],
  [
    "a kubeconfig's key, decoded too, and not a short variable's value",
    "ws_preview_kubeconfig",
    "users: [{ user: { client-key-data: c2VjcmV0LWtleS10ZXh0, exec: { env: [{ name: A, value: '1' }] } } }]",
    ["c2VjcmV0LWtleS10ZXh0", "secret-key-text"],
  ],
  ["a kubeconfig's token and key", "ws_preview_kubeconfig", KUBECONFIG, ["bearer-of-the-preview", "a2V5"]],
  ["a command's option and variable", "WS_PREVIEW_KUBECONFIG", WITH_COMMAND, ["of-the-client", "of-the-env"]],
  ["two documents as a whole", "WS_PREVIEW_KUBECONFIG", "token: a\n---\ntoken: b", ["token: a\n---\ntoken: b"]],
  ["a document that cannot be read as a whole", "WS_PREVIEW_KUBECONFIG", "{token: [", ["{token: ["]],
])("of a credential is hidden: %s", (_what, name, value, expected) => {
  expect([...new Set(secretParts(name, value))]).toEqual(expected);
});

test.each([
  ["PULUMI_BACKEND_URL", "postgres://ws:Tr0ub4dor@db.example/state?sslmode=disable&connect_timeout=10", ["Tr0ub4dor"]],
  ["PULUMI_BACKEND_URL", "postgres://ws:a%2Fb-c@db.example/state", ["a%2Fb-c", "a/b-c"]],
  ["PULUMI_BACKEND_URL", "postgres://ws:raw/?#sign@db.example/state", ["raw/?#sign"]],
  ["PULUMI_BACKEND_URL", "https://ghp_x123@host.example", ["ghp_x123"]],
  ["PULUMI_BACKEND_URL", "postgres://user:Tr0ub://4dor@h/s", ["Tr0ub://4dor"]],
  ["PULUMI_BACKEND_URL", "postgres://state@db.example/state", []],
  ["PULUMI_BACKEND_URL", "postgres://0123456789abcdefXYZ@db.example/state", ["0123456789abcdefXYZ"]],
  ["PULUMI_BACKEND_URL", "s3://state?endpoint=s3.eu1.internal.example:9000&s3ForcePathStyle=true", []],
  ["PGSSLMODE", "require", []],
  ["AZURE_KEYVAULT_AUTH_VIA_CLI", "true", []],
  ["NETRC_FILE", "machine x login y password s3cr3t", ["machine x login y password s3cr3t"]],
  ["PULUMI_BACKEND_URL", "s3://state?region=eu-central-1&awssdk=v2&endpoint=https://k:s3cr@minio.example", ["s3cr"]],
  ["PULUMI_BACKEND_URL", "file:///var/lib/workstation-deploy/stacks", []],
  ["AZURE_STORAGE_CONNECTION_STRING", AZURE, ["Zm9vYmFyYmF6cXV4"]],
  ["AZURE_STORAGE_SAS_TOKEN", "sv=2024&sig=Ab%2BCd", ["sv=2024&sig=Ab%2BCd", "Ab%2BCd", "Ab+Cd"]],
  ["GOOGLE_CREDENTIALS", GOOGLE, ["-----key-of-google"]],
  ["GOOGLE_APPLICATION_CREDENTIALS", "/etc/workstation-runner/google.json", []],
  ["VAULT_CACERT", "/etc/ssl/certs/ca-certificates.crt", []],
  ["GOOGLE_PROJECT", "workstation-prod", []],
  ["AWS_REGION", "eu-central-1", []],
  ["CI_DEBUG", "true", []],
  ["PULUMI_CONFIG_PASSPHRASE", "abc", ["abc"]],
  ["PULUMI_CONFIG_PASSPHRASE", "{key: abcdefgh} # rest", ["{key: abcdefgh} # rest"]],
  ["PULUMI_CONFIG_PASSPHRASE", "correct://horse@battery", ["correct://horse@battery"]],
  ["AWS_SECRET_ACCESS_KEY", "/bPxRfiCYEXAMPLEKEY/wJalrXUtnFEMI", ["/bPxRfiCYEXAMPLEKEY/wJalrXUtnFEMI"]],
  ["SOME_BACKEND", "value-of-the-backend", ["value-of-the-backend"]],
])("of the state's variable %s=%s", (name, value, expected) => {
  expect([...new Set(secretParts("ws_state_environment", `# note\n\n${name}=${value}\n`))]).toEqual(expected);
});

test("words that an admin must read stay, with a webhook and a kubeconfig of the same domain", () => {
  const redact = redactor([
    ...secretParts("WS_CHAT_WEBHOOK", "https://chat.example.com/hooks/f7wq3c1x9z?api-version=1"),
    ...secretParts("WS_PREVIEW_KUBECONFIG", KUBECONFIG),
  ]);
  const text =
    "ada would get ada@example.com: git tag confirm/11aa1; pulumi cancel --stack organization/workstation/prod";
  expect(redact(text)).toBe(text);
  expect(redact("POST https://chat.example.com/hooks/f7wq3c1x9z failed")).not.toContain("f7wq3c1x");
});

test("hostile documents are hidden as a whole and stop nothing", () => {
  const circle = "users: &a {token: x, x: *a}";
  expect(secretParts("WS_PREVIEW_KUBECONFIG", circle)).toEqual(expect.arrayContaining(["x"]));
  expect(() => redactor(secretParts("WS_PREVIEW_KUBECONFIG", '{"token":"\\ud800abcdefgh"}'))("text")).not.toThrow();
});
