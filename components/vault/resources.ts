/** Declares the resource of our own provider of people's identities in Vault (`providers/vaultpeople`). */

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
