/** Declares the resource of our own provider of delegated rights (`providers/delegated-rights`). */

import * as pulumi from "@pulumi/pulumi";
import type { Namespace } from "../../roster/model.ts";
import { NOBODY } from "../../roster/object-names.ts";
import { OWN_BINDINGS } from "./names.ts";

/** The connection of that provider; configured once. */
export class DelegatedRightsProvider extends pulumi.ProviderResource {
  constructor(name: string, args: { readonly kubeconfig: string }, opts?: pulumi.ResourceOptions) {
    super("plantedrights", name, { kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

export interface DelegatedRightsArgs {
  readonly namespace: Namespace;
  /** Whether what was given in the namespace rests, until its owner is back. */
  readonly suspended: boolean;
}

/** What was given in one tenant's namespace beside this program's own rights: as it is, or suspended to be given back. */
export class DelegatedRights extends pulumi.CustomResource {
  constructor(name: string, args: DelegatedRightsArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "plantedrights:index:Room",
      name,
      { ...args, own: [...OWN_BINDINGS], nobody: NOBODY, bindings: undefined },
      opts,
    );
  }
}
