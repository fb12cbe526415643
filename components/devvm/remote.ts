/**
 * Builds the remote commands on a host: one place for the connection's limits and for what a remote command may carry.
 */

import { remote } from "@pulumi/command";
import type * as pulumi from "@pulumi/pulumi";

/** Where a host is and how it is known. All of it is configuration, so all of it is known in a preview. */
export interface HostAddress {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The host's public key (`ssh-ed25519 AAAA…`). It protects against man-in-the-middle attacks. */
  readonly hostKey: string;
}

export interface RemoteArgs {
  readonly connection: remote.CommandArgs["connection"];
  /** A constant command line. The provider prints it when it fails, so nothing secret may stand in it. */
  readonly run: string;
  /** What the command reads; a change of it runs the command again. */
  readonly stdin?: pulumi.Input<string>;
  /** Further reasons to run it again. */
  readonly triggers?: readonly pulumi.Input<string>[];
}

/** An unreachable host ends a run within about this long: attempts times the wait for each. */
const DIAL_ATTEMPTS = 4;
const DIAL_WAIT_SECONDS = 10;

/** The connection as the command provider takes it; the key is secret. */
export const connectionTo = (host: HostAddress, privateKey: pulumi.Input<string>) => ({
  host: host.address,
  port: host.port,
  user: host.user,
  hostKey: host.hostKey,
  privateKey,
  dialErrorLimit: DIAL_ATTEMPTS,
  perDialTimeout: DIAL_WAIT_SECONDS,
});

/**
 * A command that runs again whenever what it is given changes, and never on delete: leaving is a state that is
 * delivered, since a delete hook fails for good once the host is gone.
 */
export const remoteCommand = (parent: pulumi.Resource, name: string, args: RemoteArgs, dependsOn: pulumi.Resource[]) =>
  new remote.Command(
    name,
    {
      connection: args.connection,
      create: args.run,
      update: args.run,
      ...(args.stdin === undefined ? {} : { stdin: args.stdin }),
      ...(args.triggers === undefined ? {} : { triggers: [...args.triggers] }),
      addPreviousOutputInEnv: false,
    },
    { parent, dependsOn },
  );

/** The agent's command line for one part. Kinds and names are validated words, so no quoting is needed. */
export const applies = (kind: string, name: string) => `/usr/local/sbin/workstation apply ${kind} ${name}`;
