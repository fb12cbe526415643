/** Tests what an offboarded user's forge account is found to own, with a fake forge that answers by path. */

import { expect, test } from "vitest";
import type { z } from "zod";
import { type Forge, ForgeError, type ForgeRequest } from "../../clients/forgejo/client.ts";
import { probeForge } from "../../cli/probe/forge.ts";
import { probeOwnership } from "../../cli/probe/forge-ownership.ts";
import type { OffboardedUser } from "../../cli/probe/model.ts";
import { type RecordedAccounts, recordedAccounts } from "../../cli/probe/recorded-accounts.ts";
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

const EVE: OffboardedUser = {
  ...{ osUser: "eve", authentikUser: "eve", k8sUser: "eve", everywhere: true, hosts: [], namespaces: [] },
  forgejoLogins: ["eve"],
};
/** The account of id 5 was eve's, and is called eva today. Somebody else, of id 9, took the former login. */
const RENAMED = {
  "users/eve": { id: 9, login: "eve" },
  "users/eva": { id: 5, login: "eva" },
  "users/search?uid=5": { ok: true, data: [{ id: 5, login: "eva" }] },
};
const emptyOf = (login: string) => ({
  [`users/${login}/keys`]: [],
  [`users/${login}/repos`]: [],
  [`users/${login}/orgs`]: [],
  [`users/${login}/gpg_keys`]: [],
  [`users/${login}/tokens`]: [],
  [`user/applications/oauth2?sudo=${login}`]: [],
});
const STACK = settings({});
const { owner, infra, branch } = STACK.devvm.repositories;
const REPOSITORY = {
  [`repos/${owner}/${infra}/keys`]: [],
  [`repos/${owner}/${infra}/hooks`]: [],
  [`repos/${owner}/${infra}/branch_protections/${branch}`]: {
    ...{ rule_name: branch, enable_push: true, enable_push_whitelist: true, push_whitelist_deploy_keys: false },
    enable_merge_whitelist: true,
  },
};
/** What the probe says of eve, where every account is a collaborator who may write. */
async function probed(over: Partial<OffboardedUser>, recorded: RecordedAccounts, answers: object = RENAMED) {
  const all = Object.assign({}, REPOSITORY, ...["eve", "eva"].map(emptyOf), answers) as Record<string, unknown>;
  for (const login of ["eve", "eva"])
    all[`repos/${owner}/${infra}/collaborators/${login}/permission`] = { permission: "write" };
  const findings = await probeForge(forgeWith(all), STACK, { ...EVE, ...over }, recorded);
  return findings.map(({ verdict, says }) => `${verdict}: ${says}`);
}
const IS_IN = (login: string) => `needs-a-hand: ${login} is a collaborator of ${owner}/${infra}`;
const UNIDENTIFIED =
  "unknown: no deployment recorded the id of their account eve, so eve (id 9) may be another user's, and theirs may have another login";

test("the account whose id a deployment recorded is probed, and not whoever has its former login today", async () => {
  const found = await probed({}, new Map([["eve", [5]]]));
  expect(found).toContain(IS_IN("eva"));
  expect(found).toContain("cut: eve was renamed to eva by its owner (id 5), and is looked at under that name");
  expect(found.filter((finding) => /^[^:]*: eve (?!was renamed)/.test(finding))).toEqual([]);
});

test("an account that is gone by its id is not looked for under its login, which somebody else may have", async () => {
  const gone = { ...RENAMED, "users/search?uid=5": { ok: true, data: [] } };
  expect(await probed({}, new Map([["eve", [5]]]), gone)).toEqual(["cut: it has no account eve (id 5) any more"]);
});

test("without a recorded id the account of that login is probed, and whose it is stays unknown", async () => {
  const found = await probed({}, new Map());
  expect(found).toEqual(expect.arrayContaining([IS_IN("eve"), UNIDENTIFIED]));
  // Another login of theirs leads to the same account, whose id proves that it is theirs.
  const proven = await probed({ forgejoLogins: ["eva", "eve"] }, new Map([["eve", [5]]]));
  expect([proven.includes(IS_IN("eva")), proven.filter((finding) => finding.startsWith("unknown"))]).toEqual([
    true,
    [],
  ]);
});

test("a former login that somebody on the roster took does not hide the account that had it before", async () => {
  const forgejoHolders = new Map([["eve", "carol"]]);
  const found = await probed({ forgejoHolders }, new Map([["eve", [5, 9]]]));
  expect(found).toEqual(
    expect.arrayContaining([IS_IN("eva"), "cut: eve (id 9) is carol's account today, and what it may do is theirs"]),
  );
  expect(found).not.toContain(IS_IN("eve"));
});

test("an account of theirs that somebody on the roster has today is that person's", async () => {
  const forgejoHolders = new Map([["eva", "carol"]]);
  expect(await probed({ forgejoHolders }, new Map([["eve", [5]]]))).toEqual([
    "cut: eva (id 5) is carol's account today, and what it may do is theirs",
  ]);
});

test("the ids are those of the collaborators, the tokens and the lists of the engine's state", () => {
  const state = (...resources: readonly object[]) => ({ deployment: { resources } });
  const recorded = recordedAccounts(
    state(
      { type: "pulumi:pulumi:Stack" },
      { type: "forgejo:index:Collaborator", outputs: { login: "Eve", accountId: 5 } },
      { type: "forgejo:index:AccessToken", outputs: { login: "eve", accountId: 5, token: {} } },
      { type: "forgejo:index:AccessToken", outputs: { login: "old" } },
      { type: "forgejo:index:Collaborator", outputs: { login: "gone", accountId: null } },
      { type: "forgejo:index:TagProtection", outputs: { pushers: ["Ann"], accountIds: { ann: 7 } } },
      { type: "forgejo:index:BranchWriters", outputs: { accountIds: { ann: 8 } } },
    ),
  );
  expect(recorded).toEqual(
    new Map([
      ["eve", [5]],
      ["ann", [7, 8]],
    ]),
  );
  expect(recordedAccounts({ deployment: null })).toEqual(new Map());
  const oddOutputs = { type: "forgejo:index:Collaborator", outputs: { login: { encrypted: "x" } } };
  for (const exported of [[], { deployment: { resources: [oddOutputs] } }])
    expect(() => recordedAccounts(exported)).toThrow("`pulumi stack export` answered in a form");
});

test("a listing that is refused is an error and no absence", async () => {
  const answers = { "users/eve/gpg_keys": undefined };
  await expect(found(answers)).rejects.toThrow("cannot list the GPG keys of eve");
});
