/** Tests where a person's token of Vault is written, and that the credential sync is started with it. */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { type CredentialsPart, credentialsPart } from "../../../../agent/contract.ts";
import { credentialSteps } from "../../../../agent/user/step-order.ts";

let home: string;
const file = () => join(home, ".config/credential-sync/vault.env");
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "ws-vault-access-"));
});

const ADDRESS = "https://[fd00::1]:8200/_x";
const part = (more: Partial<CredentialsPart> = { vault: { address: ADDRESS, token: "hvs.CAE-1_2" } }) =>
  credentialsPart.parse({ contract: 1, kind: "credentials", osUser: "ana", uid: 2001, ...more });

async function converge(of: CredentialsPart): Promise<readonly string[]> {
  const done: string[] = [];
  for (const step of credentialSteps(home, of))
    for (const { says, apply } of await step.differences()) {
      await apply();
      done.push(says.did);
    }
  return done;
}

test("the token is written for its owner alone, is not repeated in the log, and is not written again", async () => {
  expect(await converge(part())).toEqual(["wrote their token of Vault into ~/.config/credential-sync/vault.env"]);
  expect([statSync(file()).mode & 0o777, statSync(join(file(), "..")).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(await converge(part())).toEqual([]);
});

test("another token replaces it, and so does a file that others can read", async () => {
  await converge(part());
  expect(await converge(part({ vault: { address: ADDRESS, token: "hvs.other" } }))).toHaveLength(1);
  expect(readFileSync(file(), "utf8")).toBe(`VAULT_ADDR=${ADDRESS}\nVAULT_TOKEN=hvs.other\n`);
  chmodSync(file(), 0o644);
  expect(await converge(part({ vault: { address: ADDRESS, token: "hvs.other" } }))).toHaveLength(1);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
});

test("what is no file of theirs is refused, and what it leads to stays as it is", async () => {
  writeFileSync(join(home, "precious"), "mine");
  mkdirSync(join(home, ".config/credential-sync"), { recursive: true });
  symlinkSync(join(home, "precious"), file());
  await expect(converge(part())).rejects.toThrow(
    "~/.config/credential-sync/vault.env is a symbolic link; it must be a regular file of the user",
  );
  expect(readFileSync(join(home, "precious"), "utf8")).toBe("mine");
});

test("credentials of the forge alone write nothing of Vault, and those of Vault alone no line of the forge", async () => {
  const forge = { forge: "https://forge.example", login: "ana", token: "t" };
  expect(await converge(part(forge))).toEqual(["wrote their token into ~/.git-credentials"]);
  expect(await converge(part(forge))).toEqual([]);
  expect(await converge(part())).toHaveLength(1);
});

test("the credential sync is started with both, and without them where none were delivered", async () => {
  const starter = fileURLToPath(new URL("../../../../agent/files/credential-sync.sh", import.meta.url));
  const sync = ["/bin/sh", "-c", 'echo "$1 $VAULT_ADDR $VAULT_TOKEN"', "sync", "an argument"];
  const started = () => execFileSync("/bin/sh", [starter, ...sync], { env: { HOME: home }, encoding: "utf8" });
  expect(started()).toBe("an argument  \n");
  await converge(part());
  expect(started()).toBe(`an argument ${ADDRESS} hvs.CAE-1_2\n`);
});
