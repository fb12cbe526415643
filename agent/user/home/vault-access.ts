/** Writes the address of Vault and the user's own token into `~/.config/credential-sync/vault.env`, which their credential sync reads. */

import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { CredentialsPart } from "../../contract.ts";
import { kindOf, lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Step, says } from "../../lib/converge.ts";

export function vaultAccess(home: string, { vault }: CredentialsPart): Step {
  const path = `${home}/.config/credential-sync/vault.env`;
  return {
    name: "access to Vault",
    differences: () => {
      if (vault === undefined) return [];
      const there = lstat(path);
      if (there !== undefined && !there.isFile())
        throw new Refusal(
          `~/.config/credential-sync/vault.env is ${kindOf(there)}; it must be a regular file of the user`,
        );
      const bytes = vaultEnvironment(vault);
      if (readSmallFile(path)?.toString("utf8") === bytes && there !== undefined && (there.mode & 0o077) === 0)
        return [];
      const apply = () => {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        replaceFile(path, { bytes, mode: 0o600 });
      };
      return [
        {
          point: "vault-access",
          says: says("write", "their token of Vault into ~/.config/credential-sync/vault.env"),
          apply,
        },
      ];
    },
  };
}

/** As Vault's own command and every shell take it: no character of either value means anything to a shell. */
const vaultEnvironment = ({ address, token }: NonNullable<CredentialsPart["vault"]>): string =>
  `VAULT_ADDR=${address}\nVAULT_TOKEN=${token}\n`;
