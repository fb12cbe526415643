/** Declares one person on one host: the account, the clones below their home, and their units. */

import * as pulumi from "@pulumi/pulumi";
import type { AccountPart, ClonesPart, UnitsPart } from "../../agent/contract.ts";
import type { DevVm } from "./dev-vm.ts";
import { applies, remoteCommand } from "./remote.ts";

export interface WorkstationArgs {
  readonly host: DevVm;
  /** Plain, so that a preview shows what changes for whom. */
  readonly account: AccountPart;
  readonly clones: ClonesPart;
  readonly units: UnitsPart;
  /** The person's access to the forge and to Vault, as a part in JSON; secret. Absent for somebody with neither. */
  readonly credentials?: pulumi.Output<string>;
}

/**
 * Three steps, and a fourth for who has a token, each handed its own part of the desired state. Somebody who left keeps the three, with the state
 * `left`: the cut is delivered like anything else.
 */
export class Workstation extends pulumi.ComponentResource {
  /** Done when the last of the three steps is. */
  readonly settled: pulumi.Resource;

  constructor(name: string, args: WorkstationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:devvm:Workstation", name, {}, opts);
    const step = (part: AccountPart | ClonesPart | UnitsPart, after: pulumi.Resource) =>
      remoteCommand(
        this,
        `${name}-${part.kind}`,
        { connection: args.host.connection, run: applies(part.kind, part.osUser), stdin: JSON.stringify(part) },
        [after],
      );
    const account = step(args.account, args.host.ready);
    // Before the clones, some of which only the person's own token opens.
    const credentials = args.credentials === undefined ? account : deliver(this, name, args, args.credentials, account);
    this.settled = step(args.units, step(args.clones, credentials));
    this.registerOutputs();
  }
}

const deliver = (
  parent: Workstation,
  name: string,
  { host, account: { osUser } }: WorkstationArgs,
  stdin: pulumi.Output<string>,
  after: pulumi.Resource,
) =>
  remoteCommand(
    parent,
    `${name}-credentials`,
    { connection: host.connection, run: applies("credentials", osUser), stdin: pulumi.secret(stdin) },
    [after],
  );
