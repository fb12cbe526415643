/** What becomes of `~/.kube/config`: a file of this program's is renewed, and a person's own is left as it is. */

import { mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { StepContext } from "../../../../agent/user/home/step-context.ts";
import { kubeconfig, kubeconfigText } from "../../../../agent/user/home/kubeconfig.ts";

const FORMER = {
  cluster: "lab",
  server: "https://10.0.0.1:6443",
  caData: "QUJD",
  issuer: "https://sso.example.org/",
  clientId: "kubernetes",
};
const KEYBOARD = { grant: "authcode-keyboard", redirectUrl: "http://localhost" } as const;
const ACCESS = { ...FORMER, ...KEYBOARD, grant: "device-code" } as const;

let home: string;
const file = () => join(home, ".kube/config");
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ws-kubeconfig-"));
  mkdirSync(join(home, ".kube"));
});

/** What the step does in this home, in its own sentences. */
async function converge(): Promise<readonly string[]> {
  const changes = await kubeconfig({ home, part: { kubeconfig: ACCESS } } as unknown as StepContext).differences();
  for (const change of changes) await change.apply();
  return changes.map(({ says }) => JSON.stringify(says));
}

test("a file that is missing is written, readable to its owner alone, and not written again", async () => {
  expect(await converge()).toHaveLength(1);
  expect(readFileSync(file(), "utf8")).toBe(kubeconfigText(ACCESS));
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(await converge()).toEqual([]);
});

test.each([
  ["of a version that left the grant to kubelogin", FORMER],
  ["with another grant", { ...FORMER, grant: "authcode" } as const],
  ["with the grant that lacked its redirect address", { ...FORMER, grant: "authcode-keyboard" } as const],
  ["with that grant and the redirect address of the settings", { ...FORMER, ...KEYBOARD }],
])("a file %s is renewed", async (_, former) => {
  writeFileSync(file(), kubeconfigText(former));
  expect(await converge()).toHaveLength(1);
  expect(readFileSync(file(), "utf8")).toBe(kubeconfigText(ACCESS));
});

test("a grant whose code the person types names its redirect address, and no other grant does", () => {
  expect(kubeconfigText({ ...FORMER, ...KEYBOARD })).toContain('"--oidc-redirect-url=http://localhost"');
  expect(kubeconfigText(ACCESS)).not.toContain("redirect");
});

test("a file that its owner has changed is left as it is", async () => {
  const own = kubeconfigText(FORMER).replace('"current-context": "lab"', '"current-context": "mine"');
  writeFileSync(file(), own);
  expect(await converge()).toEqual([]);
  expect(readFileSync(file(), "utf8")).toBe(own);
});

test("a link to a file of this program's is left as it is", async () => {
  writeFileSync(join(home, "elsewhere"), kubeconfigText(FORMER));
  symlinkSync(join(home, "elsewhere"), file());
  expect(await converge()).toEqual([]);
  expect(readFileSync(join(home, "elsewhere"), "utf8")).toBe(kubeconfigText(FORMER));
});
