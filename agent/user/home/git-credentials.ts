/** Writes the user's line for the forge into `~/.git-credentials`; every other line stays as it is. */

import type { CredentialsPart } from "../../contract.ts";
import { kindOf, lstat, readSmallFile, replaceFile } from "../../lib/files.ts";
import { Refusal } from "../../lib/errors.ts";
import { type Step, says } from "../../lib/converge.ts";

/** A login of the forge and its token. */
type ForgeCredential = Readonly<Record<"forge" | "login" | "token", string>>;

/** Writes the delivered login and token, mode 0600, beside and renamed over. */
export function gitCredentials(home: string, { forge, login, token }: CredentialsPart): Step {
  const path = `${home}/.git-credentials`;
  return {
    name: "git credentials",
    differences: () => {
      if (forge === undefined || login === undefined || token === undefined) return [];
      const there = lstat(path);
      if (there !== undefined && !there.isFile())
        throw new Refusal(`~/.git-credentials is ${kindOf(there)}; it must be a regular file of the user`);
      const before = readSmallFile(path)?.toString("utf8") ?? "";
      const after = withCredential(before, { forge, login, token });
      if (before === after && there !== undefined && (there.mode & 0o077) === 0) return [];
      const apply = () => replaceFile(path, { bytes: after, mode: 0o600 });
      return [{ point: "git-credentials", says: says("write", "their token into ~/.git-credentials"), apply }];
    },
  };
}

/** Pure. The forge's line stands first, since git takes the first that fits; lines of other places keep their bytes. */
export function withCredential(text: string, { forge, login, token }: ForgeCredential): string {
  const url = new URL(forge);
  const line = `${url.protocol}//${encodeURIComponent(login)}:${encodeURIComponent(token)}@${url.host}`;
  const others = text.split("\n").filter((other) => other !== "" && !isOf(other, url));
  return [line, ...others, ""].join("\n");
}

function isOf(line: string, forge: URL): boolean {
  if (!URL.canParse(line)) return false;
  const { protocol, host } = new URL(line);
  return protocol === forge.protocol && host === forge.host;
}
