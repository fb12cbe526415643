/** Declares the resources of our own provider for the forge (`providers/forgejo`), which says what each keeps true. */

import * as pulumi from "@pulumi/pulumi";

export interface ForgeConnectionArgs {
  readonly url: pulumi.Input<string>;
  readonly username: pulumi.Input<string>;
  readonly password: pulumi.Input<string>;
  /** PEM of a private authority. */
  readonly caCert?: pulumi.Input<string>;
}

/** The forge and the administrator who acts on it; configured once. */
export class ForgeConnection extends pulumi.ProviderResource {
  constructor(name: string, args: ForgeConnectionArgs, opts?: pulumi.ResourceOptions) {
    super("forgejo", name, { ...args, password: pulumi.secret(args.password) }, opts);
  }
}

/** A branch of a repository. */
export interface BranchReference {
  readonly owner: string;
  readonly repo: string;
  readonly branch: string;
}

export interface BranchProtectionArgs extends BranchReference {
  /** Whether writable deploy keys of the repository may push. */
  readonly deployKeys: boolean;
}

/** The wall around a branch: only listed people push and merge, and nobody rewrites or deletes it. */
export class BranchProtection extends pulumi.CustomResource {
  constructor(name: string, args: BranchProtectionArgs, opts?: pulumi.CustomResourceOptions) {
    super("forgejo:index:BranchProtection", name, { ...args, gaps: undefined, bindsAdmins: undefined }, opts);
  }
}

export interface TagProtectionArgs {
  readonly owner: string;
  readonly repo: string;
  /** A folder of tags, as in `confirm/*`. */
  readonly pattern: string;
  readonly pushers: readonly string[];
}

/** Lets only the listed people create, move or delete a tag whose name matches the pattern. */
export class TagProtection extends pulumi.CustomResource {
  constructor(name: string, args: TagProtectionArgs, opts?: pulumi.CustomResourceOptions) {
    super("forgejo:index:TagProtection", name, { ...args, gaps: undefined }, opts);
  }
}

export interface BranchWritersArgs extends BranchReference {
  readonly push: readonly string[];
  readonly merge: readonly string[];
  /** Everybody with write access to the repository. */
  readonly members: readonly string[];
}

/** Who may push to and merge into the branch. Whoever else is on its lists goes. */
export class BranchWriters extends pulumi.CustomResource {
  constructor(name: string, args: BranchWritersArgs, opts?: pulumi.CustomResourceOptions) {
    super("forgejo:index:BranchWriters", name, { ...args, teams: undefined }, opts);
  }
}

export interface CollaboratorArgs {
  readonly owner: string;
  readonly repo: string;
  readonly login: string;
  /** `none` for somebody who left, and for a login that somebody gave up: that it is out is kept up. */
  readonly permission: "none" | "read" | "write" | "admin";
  /** Leaves somebody who may do more, or has it as an owner or through a team, as they are. */
  readonly minimum: boolean;
  /** The login that the same person has today: an account that was renamed to it keeps its access. */
  readonly successor: string | null;
}

/** One person's place in a repository. */
export class Collaborator extends pulumi.CustomResource {
  constructor(name: string, args: CollaboratorArgs, opts?: pulumi.CustomResourceOptions) {
    super("forgejo:index:Collaborator", name, { ...args, effective: undefined }, opts);
  }
}

export interface AccessTokenArgs {
  readonly login: string;
  /** Tokens are called this and a number. */
  readonly name: string;
  readonly scopes: readonly string[];
  readonly rotateAfterDays: number;
  readonly overlapDays: number;
  /** Another number replaces the token at once. */
  readonly generation: number;
  /** For somebody who left, and for a login that somebody gave up: there is to be none. */
  readonly revoked: boolean;
  /** A number of the person that nobody else has: another holder gets another token, and this one ends. */
  readonly holder: number | null;
  /** The login that the same person has today: an account that was renamed to it has its tokens from there. */
  readonly successor: string | null;
}

/** A person's token for the forge: replaced by age; revoked when they leave, and with the resource. */
export class AccessToken extends pulumi.CustomResource {
  /** Secret. */
  declare readonly token: pulumi.Output<string>;

  constructor(name: string, args: AccessTokenArgs, opts?: pulumi.CustomResourceOptions) {
    const computed = { token: undefined, tokenId: undefined, tokenName: undefined, issuedAtMs: undefined };
    super(
      "forgejo:index:AccessToken",
      name,
      { ...args, ...computed, previousId: undefined, retireAtMs: undefined },
      { ...opts, additionalSecretOutputs: ["token"] },
    );
  }
}
