/**
 * Creates the first content of the lab's forge: the owner, its two repositories, and the people whom the sample roster
 * names.
 */
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere } from "../read-optional.ts";
import type { ForgeApi, ForgeLogin } from "./api.ts";
import { type Content, pushContent } from "./git.ts";

/** The organisation that owns the repositories. */
export const OWNER = "forge";
export const INFRA = "infra";

/** Repositories of the owner; both are open to everybody, as nobody has a token from the start. */
const REPOSITORIES: Readonly<Record<string, { readonly isPrivate: boolean; readonly content: Content["files"] }>> = {
  [INFRA]: {
    isPrivate: false,
    content: {
      ".gitattributes": "secrets/** filter=git-crypt diff=git-crypt\nsecrets/.gitattributes !filter !diff\n",
      "README.md": "# infra\n\nWhat runs here, as code. The files below `secrets/` are encrypted.\n",
      "services/hello/service.yaml": "name: hello\nreplicas: 1\n",
      "secrets/tokens.env": "HELLO_TOKEN=the-secret-of-the-lab\n",
    },
  },
  tripit: {
    isPrivate: false,
    content: { "README.md": "# tripit\n", "src/main.py": 'print("tripit")\n' },
  },
};

/** People with an account of their own; rights are the program's to give. */
const PEOPLE: readonly { readonly login: string; readonly isAdmin: boolean }[] = [
  { login: "wizard", isAdmin: true },
  { login: "ebarzin", isAdmin: false },
];

/**
 * Makes what is missing of it; what is there stays, whatever became of it.
 * @param dir folder of the forge that is root's own; holds the passwords and the git-crypt key
 * @returns the people's passwords by login, and where the key to the infra repository's secrets is
 */
export async function ensureContent(
  api: ForgeApi,
  admin: ForgeLogin,
  url: string,
  dir: string,
): Promise<{ readonly passwords: Readonly<Record<string, string>>; readonly gitCryptKeyPath: string }> {
  const passwords = await keptPasswords(join(dir, "passwords.json"));
  for (const { login, isAdmin } of PEOPLE) {
    if (await exists(api, `users/${login}`)) continue;
    await createUser(api, login, passwords[login] ?? "", isAdmin);
  }
  if (!(await exists(api, `orgs/${OWNER}`)))
    await api.must("POST", "orgs", { username: OWNER, visibility: "public", repo_admin_change_team_access: false });
  const gitCryptKeyPath = join(dir, "git-crypt.key");
  for (const [name, { isPrivate, content }] of Object.entries(REPOSITORIES)) {
    if (!(await exists(api, `repos/${OWNER}/${name}`))) await createRepository(api, OWNER, name, isPrivate);
    const { empty } = z.object({ empty: z.boolean() }).parse(await api.must("GET", `repos/${OWNER}/${name}`));
    const key = name === INFRA ? { gitCryptKeyPath } : {};
    if (empty)
      await pushContent(`${url}/${OWNER}/${name}.git`, admin, { files: content, ...key }, join(dir, "scratch"));
  }
  return { passwords, gitCryptKeyPath };
}

/** An account that can be used at once. */
export async function createUser(api: ForgeApi, login: string, password: string, isAdmin = false): Promise<void> {
  const email = `${login}@forge.invalid`;
  await api.must("POST", "admin/users", { username: login, email, password, must_change_password: false });
  if (isAdmin) await api.must("PATCH", `admin/users/${login}`, { login_name: login, source_id: 0, admin: true });
}

/** An empty repository whose branch will be `master`. @param owner an organisation or a person */
export async function createRepository(api: ForgeApi, owner: string, name: string, isPrivate: boolean): Promise<void> {
  const isOrganisation = (await api.ask("GET", `orgs/${owner}`)).status === 200;
  const path = isOrganisation ? `orgs/${owner}/repos` : `admin/users/${owner}/repos`;
  await api.must("POST", path, { name, private: isPrivate, default_branch: "master" });
}

/** Written before the first account is made, so that no account ever has a password that nobody knows. */
async function keptPasswords(path: string): Promise<Record<string, string>> {
  const kept = await readIfThere(path);
  const known = kept === undefined ? {} : z.record(z.string(), z.string()).parse(JSON.parse(kept));
  const missing = PEOPLE.filter(({ login }) => known[login] === undefined);
  if (missing.length === 0) return known;
  const all = { ...known, ...Object.fromEntries(missing.map(({ login }) => [login, newPassword()])) };
  await writeFile(path, JSON.stringify(all), { mode: 0o600 });
  return all;
}

export const newPassword = (): string => randomBytes(18).toString("base64url");

async function exists(api: ForgeApi, path: string): Promise<boolean> {
  const { status } = await api.ask("GET", path);
  if (status === 404) return false;
  if (status !== 200) await api.must("GET", path);
  return true;
}
