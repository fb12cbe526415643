/** Starts the lab's forge: the real Gitea, whose API Forgejo shares, with an owner, two repositories and people. */
import { join } from "node:path";
import { z } from "zod";
import { fact } from "../facts.ts";
import type { Instance } from "../instance.ts";
import type { Toolchain } from "../toolchain/index.ts";
import { type ForgeApi, forgeApi, type ForgeLogin } from "./api.ts";
import { createRepository, createUser, ensureContent, INFRA, newPassword, OWNER } from "./content.ts";
import { type Content, pushContent } from "./git.ts";
import { startForgeServer } from "./server.ts";
import { forgePaths } from "./settings.ts";

export type { ForgeAnswer, ForgeApi, ForgeLogin } from "./api.ts";
export { gitEnv } from "./git.ts";

const forgeFacts = z.strictObject({
  /** Base address without a slash at its end, for the host and for the DevVM alike. */
  url: z.string(),
  /** An administrator of the whole site, and the account that the program acts as. */
  adminUser: z.string(),
  /** Secret. */
  adminPassword: z.string(),
  /** Who owns the repositories. */
  owner: z.string(),
  /** The infra repository: anybody may read it, and its branch is `master`. */
  infra: z.string(),
  /** Secret: passwords of the people who have an account from the start, by login. */
  passwords: z.record(z.string(), z.string()),
  /** Secret: opens the infra repository's encrypted files. */
  gitCryptKeyPath: z.string(),
});
export type ForgeFacts = z.output<typeof forgeFacts>;

/** Where the forge is, for the program and the tests. */
export const forgeFact = fact("forge", forgeFacts);

/** The forge with hands, for tests. Every method throws `LabError` when the forge refuses. */
export interface Forge extends ForgeFacts {
  readonly admin: ForgeLogin;
  readonly api: ForgeApi;
  /** Address of a repository for git, without anybody's name in it. */
  cloneUrl(owner: string, repository: string): string;
  /** A person with an account from now on, with a password of their own. */
  createUser(login: string, options?: { readonly isAdmin?: boolean }): Promise<Exclude<ForgeLogin, "anonymous">>;
  /** A repository with this first content on `master`, or an empty one. */
  createRepository(
    owner: string,
    name: string,
    options?: { readonly isPrivate?: boolean; readonly content?: Content },
  ): Promise<void>;
}

/** Brings the forge up with its first content; what is up and there already stays as it is. */
export async function startForge(instance: Instance, tools: Toolchain): Promise<void> {
  const { url, admin } = await startForgeServer(instance, await tools.get("forge"));
  const content = await ensureContent(forgeApi(url, admin), admin, url, forgePaths(instance).dir);
  await forgeFact.write(instance, {
    url,
    adminUser: admin.login,
    adminPassword: admin.password,
    owner: OWNER,
    infra: INFRA,
    ...content,
  });
}

/** The forge that was started before, perhaps by another process. Throws `LabError` when it was not. */
export async function findForge(instance: Instance): Promise<Forge> {
  const facts = await forgeFact.read(instance);
  const admin = { login: facts.adminUser, password: facts.adminPassword };
  const api = forgeApi(facts.url, admin);
  const cloneUrl = (owner: string, repository: string) => `${facts.url}/${owner}/${repository}.git`;
  return {
    ...facts,
    admin,
    api,
    cloneUrl,
    async createUser(login, { isAdmin = false } = {}) {
      const password = newPassword();
      await createUser(api, login, password, isAdmin);
      return { login, password };
    },
    async createRepository(owner, name, { isPrivate = false, content } = {}) {
      await createRepository(api, owner, name, isPrivate);
      if (content === undefined) return;
      await pushContent(cloneUrl(owner, name), admin, content, join(forgePaths(instance).dir, "scratch"));
    },
  };
}
