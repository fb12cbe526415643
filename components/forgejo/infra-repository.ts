/** Declares the infra repository on the forge: its protected branch and tags, who works in it, and their clone tokens. */

import * as pulumi from "@pulumi/pulumi";
import type { ForgejoAccess } from "../../roster/forge-access.ts";
import type { ForgejoLogin, OsUser } from "../../roster/model.ts";
import {
  AccessToken,
  type BranchReference,
  BranchProtection,
  BranchWriters,
  Collaborator,
  type CollaboratorArgs,
  TagProtection,
} from "./resources.ts";

export interface TokenRules {
  /** Tells this stack's tokens from another's. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly rotateAfterDays: number;
  readonly overlapDays: number;
  readonly generation: number;
}

export interface TokenHolder {
  readonly login: ForgejoLogin;
  /** Tells people apart whatever they are called: nobody keeps a token of an account that passes to somebody else. */
  readonly uid: number;
}

export interface InfraRepositoryArgs {
  readonly branch: BranchReference;
  readonly deployKeys: boolean;
  /** Pattern of the tags by which an admin confirms a stopped push. */
  readonly confirmations: string;
  /** Plain: it decides which resources exist. */
  readonly access: ForgejoAccess;
  /** Whom a clone token is issued to. Plain too. */
  readonly tokenHolders: ReadonlyMap<OsUser, TokenHolder>;
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
  /** What keeps those who left, former logins, and whoever is not listed any more, out. */
  readonly cuts: readonly pulumi.Resource[];

  constructor(name: string, args: InfraRepositoryArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:forgejo:InfraRepository", name, {}, opts);
    const branchProtection = declareBranchProtection(this, name, args);
    const { admins, tags, present, former } = placePeople(this, name, args, branchProtection);
    const members = [...admins, ...present, ...former];
    const writers = listWriters(this, name, args, [branchProtection, ...members]);
    const issued = issueTokens(this, name, args, members);
    this.tokens = new Map([...issued].map(([who, { token }]) => [who, token]));
    // An account that passes to somebody else gets another token, which takes the former holder's.
    this.cuts = [tags, writers, ...issued.values(), ...revokeTokens(this, name, args, former)];
    this.registerOutputs();
  }
}

/** Switching the concern off must not open the branch, so the rule is never taken down by this program. */
const declareBranchProtection = (
  parent: InfraRepository,
  name: string,
  { branch: collaborator, deployKeys }: InfraRepositoryArgs,
) =>
  new BranchProtection(
    `${name}-${collaborator.branch}`,
    { ...collaborator, deployKeys },
    { parent, retainOnDelete: true },
  );

/** Kept when the concern is switched off, as the branch's rule is. */
function protectTags(
  parent: InfraRepository,
  name: string,
  { branch: collaborator, access, confirmations }: InfraRepositoryArgs,
  dependsOn: pulumi.Resource[],
) {
  const { owner, repo } = collaborator;
  return new TagProtection(
    `${name}-confirmations`,
    { owner, repo, pattern: confirmations, pushers: access.admins },
    { parent, dependsOn, retainOnDelete: true },
  );
}

/**
 * Write access waits for both rules; taking it away does not wait for the tags' rule, which another rule may block. An
 * admin's comes before that rule, which they may pass and which takes only people with write access onto its list. An admin
 * who has it as an owner or through a team is no collaborator.
 */
function placePeople(
  parent: InfraRepository,
  name: string,
  args: InfraRepositoryArgs,
  branchProtection: BranchProtection,
) {
  const { owner, repo } = args.branch;
  const collaborator = (
    login: ForgejoLogin,
    may: Pick<CollaboratorArgs, "permission" | "minimum">,
    dependsOn: pulumi.Resource[],
  ) =>
    new Collaborator(
      `${name}-${login.toLowerCase()}`,
      { owner, repo, login, ...may, successor: successorOf(login, args) },
      { parent, dependsOn },
    );
  const admins = args.access.admins.map((login) =>
    collaborator(login, { permission: "write", minimum: true }, [branchProtection]),
  );
  const tags = protectTags(parent, name, args, admins);
  return {
    admins,
    tags,
    present: args.access.collaborators.map((login) =>
      collaborator(login, { permission: "write", minimum: false }, [branchProtection, tags]),
    ),
    former: args.access.former.map((login) =>
      collaborator(login, { permission: "none", minimum: false }, [branchProtection]),
    ),
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
    { ...args.branch, push: whitelist, merge: whitelist, members: collaborators },
    { parent, dependsOn },
  );
};

/** Null where the person has no other login, and for a login that somebody has today. */
const successorOf = (login: ForgejoLogin, { access }: InfraRepositoryArgs): ForgejoLogin | null =>
  access.successors.get(login) ?? null;

function issueTokens(parent: InfraRepository, name: string, args: InfraRepositoryArgs, dependsOn: pulumi.Resource[]) {
  const issue = ({ login, uid }: TokenHolder) =>
    new AccessToken(
      `${name}-token-${login.toLowerCase()}`,
      { login, ...args.tokens, revoked: false, holder: uid, successor: null },
      { parent, dependsOn },
    );
  return new Map([...args.tokenHolders].map(([who, holder]) => [who, issue(holder)]));
}

/** A resource that goes would be deleted last, and not at all while a host is down: that there is none is a state, too. */
const revokeTokens = (parent: InfraRepository, name: string, args: InfraRepositoryArgs, dependsOn: pulumi.Resource[]) =>
  args.access.former.map(
    (login) =>
      new AccessToken(
        `${name}-token-${login.toLowerCase()}`,
        { login, ...args.tokens, revoked: true, holder: null, successor: successorOf(login, args) },
        { parent, dependsOn },
      ),
  );
