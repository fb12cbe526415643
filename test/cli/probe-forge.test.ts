/** Tests what an offboarded user's forge account is found to own, with a fake forge that answers by path. */

import { expect, test } from "vitest";
import type { z } from "zod";
import { type Forge, ForgeError, type ForgeRequest } from "../../clients/forgejo/client.ts";
import { probeForge } from "../../cli/probe/forge.ts";
import { probeOwnership } from "../../cli/probe/forge-ownership.ts";
import { settings } from "../config/raw-config.ts";

const NOTHING: Readonly<Record<string, unknown>> = {
  "users/eve": { login: "eve", is_admin: false },
  "users/eve/repos": [],
  "users/eve/orgs": [],
  "user/applications/oauth2?sudo=eve": [],
  "users/eve/gpg_keys": [],
  "repos/ops/infra/hooks": [],
};

function forgeWith(answers: Readonly<Record<string, unknown>>): Forge {
  const answer = <T>({ path, query = {}, purpose }: ForgeRequest, form: z.ZodType<T>): T => {
    const { page = "1", limit: _, ...rest } = query;
    const search = new URLSearchParams(rest).toString();
    const known = answers[`${path.join("/")}${search === "" ? "" : `?${search}`}`];
    if (known === undefined) throw new ForgeError(`cannot ${purpose}: status 403`);
    return form.parse(Array.isArray(known) && page !== "1" ? [] : known);
  };
  return {
    ask: async (question, form) => answer(question, form),
    find: async (question, form) => answer(question, form),
    tell: async () => true,
    page: async (question, form) => ({ items: answer(question, form), total: undefined }),
  };
}

const found = async (answers: object) => {
  const place = { owner: "ops", infra: "infra" };
  const all = await probeOwnership(forgeWith({ ...NOTHING, ...answers }), "eve", place, AbortSignal.timeout(5_000));
  return all.map(({ verdict, says }) => `${verdict}: ${says}`);
};
const ownerOf = (name: string, isOwner: boolean) => ({
  "users/eve/orgs": [{ username: name }],
  [`users/eve/orgs/${name}/permissions`]: { is_owner: isOwner },
});

test.each([
  ["nothing", {}, []],
  [
    "the forge itself",
    { "users/eve": { is_admin: true } },
    ["needs-a-hand: eve is an admin of the forge and may do everything there"],
  ],
  [
    "the organisation of the infra repository",
    ownerOf("Ops", true),
    ["needs-a-hand: eve is an owner of ops, the organisation of the infra repository"],
  ],
  [
    "another organisation",
    ownerOf("art", true),
    ["residual: eve is an owner of art, organisations with everything in them"],
  ],
  ["an organisation as a member only", ownerOf("ops", false), []],
  [
    "repositories, without those where they only work",
    {
      "users/eve/repos": [
        { full_name: "Eve/notes", owner: { login: "Eve" } },
        { full_name: "bob/site", owner: { login: "bob" } },
      ],
    },
    ["residual: eve owns 1 repository: Eve/notes"],
  ],
  [
    "OAuth applications",
    { "user/applications/oauth2?sudo=eve": [{ id: 1, name: "board" }] },
    ["residual: eve registered the OAuth applications board and knows their secrets"],
  ],
  [
    "GPG keys",
    { "users/eve/gpg_keys": [{ id: 1 }, { id: 2 }] },
    ["residual: 2 GPG keys of their own: the forge shows what is signed with one as verified"],
  ],
  [
    "webhooks, of which the address is not shown",
    {
      "repos/ops/infra/hooks": [
        { id: 1, active: true, config: { url: "https://hooks.example/secret-path" } },
        { id: 2, active: false, config: { url: "https://off.example/" } },
      ],
    },
    ["residual: webhooks of ops/infra report to hooks.example, and the forge records nobody for them"],
  ],
])("an account that owns %s", async (_what, answers, expected) => {
  expect(await found(answers)).toEqual(expected);
});

test("each login that was theirs is asked about, also where the row had none at the end", async () => {
  const nobody: Forge = { ...forgeWith({}), find: async () => undefined };
  const says = async (forgejoLogins: readonly string[]) => {
    const named = { osUser: "eve", authentikUser: "eve", k8sUser: "eve", everywhere: true, hosts: [], namespaces: [] };
    return (await probeForge(nobody, settings({}), { ...named, forgejoLogins })).map((finding) => finding.says);
  };
  expect(await says(["eve", "eva"])).toEqual(["it has no account eve any more", "it has no account eva any more"]);
  expect(await says([])).toEqual(["they had no login there from this program"]);
});

test("a listing that is refused is an error and no absence", async () => {
  const answers = { "users/eve/gpg_keys": undefined };
  await expect(found(answers)).rejects.toThrow("cannot list the GPG keys of eve");
});
