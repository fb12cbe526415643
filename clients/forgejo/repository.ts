/** Reads and changes one repository of the forge. A repository that cannot be seen is an error, never an empty one. */

import { z } from "zod";
import type { Forge, ForgeRequest } from "./client.ts";
import { branch, deployKey, permission, type Protection, protection, repository, user, version } from "./schemas.ts";
import { listAll } from "./list-all.ts";

export interface RepoName {
  readonly owner: string;
  readonly repo: string;
}

export type Permission = "read" | "write" | "admin";

export interface RepoApi {
  /** @throws ForgeError when the repository is not there, or this account may not see it */
  mustExist(): Promise<void>;
  protection(rule: string): Promise<Protection | undefined>;
  protections(): Promise<readonly Protection[]>;
  createProtection(body: object): Promise<Protection>;
  editProtection(rule: string, body: object): Promise<Protection>;
  deleteProtection(rule: string): Promise<void>;
  /** Name of the rule that holds for a branch; undefined while the branch does not exist, empty without a rule. */
  effectiveRule(name: string): Promise<string | undefined>;
  isCollaborator(login: string): Promise<boolean>;
  /** What the login may do here by whatever way (`none`, `read`, `write`, `admin`, `owner`); `none` for an unknown one. */
  permissionOf(login: string): Promise<string>;
  setCollaborator(login: string, may: Permission): Promise<void>;
  removeCollaborator(login: string): Promise<void>;
  collaborators(): Promise<readonly string[]>;
  deployKeys(): Promise<readonly z.output<typeof deployKey>[]>;
}

export function repoApi(forge: Forge, { owner, repo }: RepoName, signal: AbortSignal): RepoApi {
  const full = `${owner}/${repo}`;
  const at = (...rest: string[]) => ["repos", owner, repo, ...rest];
  const missing = `there is no repository ${full}, or this account may not see it`;
  const meaning = { 404: missing };
  const forgeRequest = (
    method: ForgeRequest["method"],
    path: string[],
    purpose: string,
    body?: object,
  ): ForgeRequest => ({
    ...{ method, path, purpose, meaning },
    ...(body === undefined ? {} : { body }),
  });
  const nobody = (login: string) => ({ 404: missing, 422: `the forge knows no account "${login}"` });
  const mustExist = async () => {
    await forge.ask(forgeRequest("GET", at(), `find the repository ${full}`), repository, signal);
  };
  /** An absence is believed only of a repository that is seen. */
  const absent = async <T>(value: T): Promise<T> => {
    await mustExist();
    return value;
  };

  return {
    mustExist,
    protection: async (rule) => {
      const request = forgeRequest("GET", at("branch_protections", rule), `read the rule "${rule}" of ${full}`);
      return (await forge.find(request, protection, signal)) ?? absent(undefined);
    },
    protections: () =>
      // The one listing that has no pages, on either server.
      forge.ask(
        forgeRequest("GET", at("branch_protections"), `list the branch rules of ${full}`),
        z.array(protection),
        signal,
      ),
    createProtection: (body) =>
      forge.ask(
        forgeRequest("POST", at("branch_protections"), `protect a branch of ${full}`, body),
        protection,
        signal,
      ),
    editProtection: (rule, body) =>
      forge.ask(
        forgeRequest("PATCH", at("branch_protections", rule), `change the rule "${rule}" of ${full}`, body),
        protection,
        signal,
      ),
    deleteProtection: async (rule) => {
      const request = forgeRequest("DELETE", at("branch_protections", rule), `remove the rule "${rule}" of ${full}`);
      if (!(await forge.tell(request, signal))) await mustExist();
    },
    effectiveRule: async (name) => {
      const request = forgeRequest("GET", at("branches", name), `see which rule holds for ${name} of ${full}`);
      const found = await forge.find(request, branch, signal);
      return found === undefined ? absent(undefined) : found.effective_branch_protection_name;
    },
    isCollaborator: async (login) => {
      const purpose = `see whether ${login} is a collaborator of ${full}`;
      const request = { ...forgeRequest("GET", at("collaborators", login), purpose), meaning: nobody(login) };
      return (await forge.tell(request, signal)) || absent(false);
    },
    permissionOf: async (login) => {
      const request = forgeRequest(
        "GET",
        at("collaborators", login, "permission"),
        `see what ${login} may do in ${full}`,
      );
      return (await forge.find(request, permission, signal))?.permission ?? absent("none");
    },
    setCollaborator: async (login, may) => {
      const purpose = `let ${login} ${may} in ${full}`;
      const request = forgeRequest("PUT", at("collaborators", login), purpose, { permission: may });
      // No answer form: a 404 here is told as the missing repository.
      if (!(await forge.tell({ ...request, meaning: nobody(login) }, signal))) await mustExist();
    },
    removeCollaborator: async (login) => {
      const request = forgeRequest("DELETE", at("collaborators", login), `take ${login} out of ${full}`);
      if (!(await forge.tell({ ...request, meaning: nobody(login) }, signal))) await mustExist();
    },
    collaborators: async () => {
      const request = forgeRequest("GET", at("collaborators"), `list the collaborators of ${full}`);
      return (await listAll(forge, request, user, (entry) => entry.login, signal)).map(({ login }) => login);
    },
    deployKeys: () => {
      const request = forgeRequest("GET", at("keys"), `list the deploy keys of ${full}`);
      return listAll(forge, request, deployKey, (key) => key.id, signal);
    },
  };
}

/** The server's own version. */
export const serverVersion = async (forge: Forge, signal: AbortSignal): Promise<string> =>
  (await forge.ask({ method: "GET", path: ["version"], purpose: "see which server this is" }, version, signal)).version;

/** Forgejo names the Gitea release that its API follows; Gitea does not. */
export const isForgejo = (text: string): boolean => /\+gitea-/.test(text);
