/** Declares the resources of our own provider for Vault (`providers/vaultpeople`), which says what each keeps true. */

import * as pulumi from "@pulumi/pulumi";

export interface VaultPeopleArgs {
  readonly address: pulumi.Input<string>;
  readonly token: pulumi.Input<string>;
  /** PEM of a private authority. */
  readonly caCert?: pulumi.Input<string>;
}

/** The connection of that provider; configured once. */
export class VaultPeople extends pulumi.ProviderResource {
  constructor(name: string, args: VaultPeopleArgs, opts?: pulumi.ResourceOptions) {
    super("vaultpeople", name, { ...args, token: pulumi.secret(args.token) }, opts);
  }
}

export interface VaultPersonArgs {
  readonly name: string;
  readonly formerName: string | null;
  readonly state: "present" | "left";
  readonly alias: string | null;
  /** The address was another person's: what signed in by it until now is not theirs. */
  readonly isReassignedAlias: boolean;
  readonly mount: string;
  readonly policies: readonly string[];
  readonly marks: readonly string[];
  readonly kubernetesMount: string;
  readonly roles: readonly string[];
  /** Roles that were theirs and are nobody's: taken away with their tokens. */
  readonly lostRoles: readonly string[];
  /** Roles that were theirs and are somebody else's: of these, what was issued to them is revoked. */
  readonly handedOverRoles: readonly string[];
}

/** One person's identity: present, or cut off with every token already issued. */
export class VaultPerson extends pulumi.CustomResource {
  /** How many tokens leaving has revoked. */
  declare readonly revoked: pulumi.Output<number>;

  constructor(name: string, args: VaultPersonArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "vaultpeople:index:Person",
      name,
      { ...args, entityId: undefined, live: undefined, revoked: undefined },
      opts,
    );
  }
}

export interface WorkstationTokenArgs {
  /** The policy that it carries. */
  readonly name: string;
  readonly role: string;
  readonly rotateAfterDays: number;
  readonly overlapDays: number;
  readonly generation: number;
  /** There is to be none. */
  readonly revoked: boolean;
}

/** The token of one person's credential sync: renewed, replaced by age, and revoked with the right to have one. */
export class WorkstationToken extends pulumi.CustomResource {
  /** Secret; empty where there is to be none. */
  declare readonly token: pulumi.Output<string>;

  constructor(name: string, args: WorkstationTokenArgs, opts?: pulumi.CustomResourceOptions) {
    const computed = { token: undefined, accessor: undefined, periodSeconds: undefined, issuedAtMs: undefined };
    super(
      "vaultpeople:index:WorkstationToken",
      name,
      { ...args, ...computed, renewedAtMs: undefined, previousAccessor: undefined, retireAtMs: undefined },
      { ...opts, additionalSecretOutputs: ["token"] },
    );
  }
}
