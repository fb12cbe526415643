/** Declares the infra repository on the forge: its protected branch and tags, who works in it, and their clone tokens. */

import * as pulumi from "@pulumi/pulumi";
import type { ForgejoAccess } from "../../roster/forge-access.ts";
import type { ForgejoLogin, OsUser } from "../../roster/model.ts";
import {
  AccessToken,
  type BranchPlace,
  BranchProtection,
  BranchWriters,
  Collaborator,
  TagProtection,
} from "./resources.ts";

export interface TokenRules {
  /** Tells this stack's tokens from another's. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly rotateAfterDays: number;
  readonly overlapDays: number;
}

export interface InfraRepositoryArgs {
  readonly place: BranchPlace;
  readonly deployKeys: boolean;
  /** Pattern of the tags by which an admin confirms a stopped push. */
  readonly confirmations: string;
  /** Plain: it decides which resources exist. */
  readonly access: ForgejoAccess;
  /** Whom a clone token is issued to. Plain too. */
  readonly tokenHolders: ReadonlyMap<OsUser, ForgejoLogin>;
  readonly tokens: TokenRules;
}

/**
 * People are known here by their login, as the forge knows them: another account name on a host changes nothing.
 * Restrictive first: the wall stands before anybody gets in; who left is out before the lists are written; who joins is
 * on the lists last, since the forge takes only people with write access onto them.
 */
export class InfraRepository extends pulumi.ComponentResource {
  /** Secret, and unknown in a preview that issues one. */
  readonly tokens: ReadonlyMap<OsUser, pulumi.Output<string>>;
  /** What keeps those who left, and whoever is not listed any more, out. */
  readonly cuts: readonly pulumi.Resource[];

  constructor(name: string, args: InfraRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:forgejo:InfraRepository", name, {}, opts);
    const wall = buildWall(this, name, args);
    const tags = protectTags(this, name, args);
    const { present, former } = placePeople(this, name, args, wall, tags);
    const members = [...present, ...former];
    const writers = listWriters(this, name, args, [wall, ...members]);
    this.tokens = issueTokens(this, name, args, members);
    this.cuts = [tags, writers, ...revokeTokens(this, name, args, former)];
    this.registerOutputs();
  }
}

/** Switching the concern off must not open the branch, so the rule is never taken down by this program. */
const buildWall = (parent: InfraRepository, name: string, { place, deployKeys }: InfraRepositoryArgs) =>
  new BranchProtection(`${name}-${place.branch}`, { ...place, deployKeys }, { parent, retainOnDelete: true });

/** Kept when the concern is switched off, as the branch's rule is. */
function protectTags(parent: InfraRepository, name: string, { place, access, confirmations }: InfraRepositoryArgs) {
  const { owner, repo } = place;
  return new TagProtection(
    `${name}-confirmations`,
    { owner, repo, pattern: confirmations, pushers: access.admins },
    { parent, retainOnDelete: true },
  );
}

/** Write access waits for both rules; taking it away does not wait for the tags' rule, which another rule may block. */
function placePeople(
  parent: InfraRepository,
  name: string,
  args: InfraRepositoryArgs,
  wall: BranchProtection,
  tags: TagProtection,
) {
  const { owner, repo } = args.place;
  const place = (login: string, permission: "write" | "none", dependsOn: pulumi.Resource[]) =>
    new Collaborator(`${name}-${login.toLowerCase()}`, { owner, repo, login, permission }, { parent, dependsOn });
  return {
    present: args.access.collaborators.map((login) => place(login, "write", [wall, tags])),
    former: args.access.former.map((login) => place(login, "none", [wall])),
  };
}

const listWriters = (
  parent: InfraRepository,
  name: string,
  args: InfraRepositoryArgs,
  dependsOn: pulumi.Resource[],
) => {
  const { whitelist, collaborators } = args.access;
  return new BranchWriters(
    `${name}-writers`,
    { ...args.place, push: whitelist, merge: whitelist, members: collaborators },
    { parent, dependsOn },
  );
};

function issueTokens(parent: InfraRepository, name: string, args: InfraRepositoryArgs, dependsOn: pulumi.Resource[]) {
  const issue = (login: string) =>
    new AccessToken(
      `${name}-token-${login.toLowerCase()}`,
      { login, ...args.tokens, revoked: false },
      { parent, dependsOn },
    ).token;
  return new Map([...args.tokenHolders].map(([who, login]) => [who, issue(login)]));
}

/** A resource that goes would be deleted last, and not at all while a host is down: that there is none is a state, too. */
const revokeTokens = (parent: InfraRepository, name: string, args: InfraRepositoryArgs, dependsOn: pulumi.Resource[]) =>
  args.access.former.map(
    (login) =>
      new AccessToken(
        `${name}-token-${login.toLowerCase()}`,
        { login, ...args.tokens, revoked: true },
        { parent, dependsOn },
      ),
  );
