import { expect, test } from "vitest";
import { unmanagedAccess } from "../../../components/forgejo/unmanaged-access.ts";
import type { ForgejoLogin } from "../../../roster/model.ts";

const logins = (...names: string[]) => names as ForgejoLogin[];
const access = {
  admins: logins("boss"),
  whitelist: logins("boss", "emo"),
  collaborators: logins("emo", "anca"),
  former: logins("gone"),
  successors: new Map(),
};
const audit = {
  ...{ server: "forgejo", version: "10.0.0+gitea-1.22.0", effectiveRule: "master" },
  collaborators: ["ANCA", "emo", "gone", "stranger"].map((login) => ({ login, permission: "write" })),
  rules: ["master", "release", "mas*"],
  writableDeployKeys: ["ci"],
};

test("only who was never ours is a stranger, whatever the case of the login; keys and overlapping rules are said", () => {
  expect(unmanagedAccess(audit, access, "master")).toEqual([
    "stranger is a collaborator (write) whom this program never put there",
    'the deploy key "ci" can write',
    'the branch rule "mas*" may hold for master too',
  ]);
});
