/** Installs the API server's own sign-in on every control plane, one after the other. */

import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { authenticationText, type TokenIssuer } from "./authentication.ts";
import { KUBEADM, type SignInPart } from "./program/contract.ts";

/** A kubeadm control plane, as CI reaches it. */
export interface ControlPlane {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The machine's public host key: without it nothing is sent. */
  readonly hostKey: string;
}

export interface ApiServerSignInArgs {
  readonly issuers: readonly TokenIssuer[];
  readonly controlPlanes: readonly ControlPlane[];
  readonly privateKey: pulumi.Input<string>;
  /** What runs there: a CommonJS module for node 18 that exports `run`. */
  readonly program: string;
  /** What is not as it should be on the control planes, in words; it runs again for that. Empty when all is well. */
  readonly drift: string;
}

/** Where a hand, or a `kubeadm upgrade` that was not told, has dropped the sign-in, the next run puts it back. */
export class ApiServerSignIn extends pulumi.ComponentResource {
  constructor(name: string, args: ApiServerSignInArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:cluster:ApiServerSignIn", name, {}, opts);
    const stdin = standardInput(args.program, {
      version: 1,
      authentication: authenticationText(args.issuers),
      paths: KUBEADM,
    });
    let before: pulumi.Resource[] = [];
    for (const plane of args.controlPlanes) {
      before = [
        new command.remote.Command(
          `${name}-${plane.name}`,
          {
            connection: {
              host: plane.address,
              port: plane.port,
              user: plane.user,
              privateKey: args.privateKey,
              hostKey: plane.hostKey,
              dialErrorLimit: 4,
              perDialTimeout: 10,
            },
            create: RUN,
            stdin,
            triggers: [args.drift],
            addPreviousOutputInEnv: false,
          },
          // While one control plane does not come, the others go on serving.
          // All is well: what an earlier run was for is no reason to run again.
          { parent: this, dependsOn: before, ignoreChanges: args.drift === "" ? ["triggers"] : [] },
        ),
      ];
    }
    this.registerOutputs();
  }
}

const RUN =
  "command -v node >/dev/null || { echo 'node 18 or newer is missing on this control plane: apt-get install nodejs' >&2; exit 1; }; " +
  "exec node --input-type=commonjs -";

/** @returns the program with what it is to install on its last line */
export const standardInput = (program: string, part: SignInPart): string =>
  `${program}\nmodule.exports.run(${JSON.stringify(part)});\n`;
