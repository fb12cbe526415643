/** Declares one shared host: the agent, the host's own part, and the part about all its people together. */

import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { BasePart, IngressSecretPart, MapsPart } from "../../agent/contract.ts";
import { INSTALLED, preflight } from "./preflight.ts";
import { applies, connectionTo, type HostAddress, remoteCommand } from "./remote.ts";

export interface DevVmArgs {
  readonly host: HostAddress;
  /** Of the root login on the host. */
  readonly privateKey: pulumi.Input<string>;
  /** The agent's bundle on this machine, and the checksum that the host verifies before it runs it. */
  readonly agent: { readonly path: string; readonly sha256: string };
  readonly base: BasePart;
  /** Secret; absent where no frontend service of the host asks for it. */
  readonly ingressSecret?: IngressSecretPart | undefined;
  readonly maps: MapsPart;
  /** What has to have happened elsewhere before this host is spoken to. */
  readonly after?: readonly pulumi.Resource[];
}

/** Where the bundle lands before it is verified and moved into place by the bundle itself. */
const INCOMING = "/usr/lib/.workstation-agent-incoming.mjs";

/** The host-wide half of a DevVM. People come after it: they depend on `ready`. */
export class DevVm extends pulumi.ComponentResource {
  readonly connection: ReturnType<typeof connectionTo>;
  /** What must have happened before a person is converged: the agent runs, units exist, ports are guarded. */
  readonly ready: pulumi.Resource;
  readonly #name: string;
  readonly #agent: DevVmArgs["agent"];

  constructor(name: string, args: DevVmArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workstation:devvm:DevVm", name, {}, opts);
    this.connection = connectionTo(args.host, args.privateKey);
    this.#name = name;
    this.#agent = args.agent;
    const agent = uploadAgent(this, name, args, this.connection);
    const base = prepareHost(this, name, args, this.connection, agent);
    const secret = args.ingressSecret === undefined ? base : deliverSecret(this, name, args.ingressSecret, base);
    this.ready = deliverMaps(this, name, args.maps, this.connection, secret);
    this.registerOutputs();
  }

  /**
   * The last word of a deployment on this host: tries again whoever failed and fails if anybody still does, with
   * everybody's names. A person's own commands record a failure instead of failing, because the engine stops giving
   * out work at the first failed resource, and one person's failure must stay that person's.
   * @param delivered one digest per delivered part, by its name: the host compares what it holds, since it may have been
   * restored from an older image, and a change of any of them settles it again
   * @param secrets one checksum per delivered secret part: a change settles the host again
   */
  settle(
    people: readonly pulumi.Resource[],
    delivered: Readonly<Record<string, string>>,
    secrets: readonly pulumi.Input<string>[],
  ): pulumi.Resource {
    return remoteCommand(
      this,
      `${this.#name}-settle`,
      {
        connection: this.connection,
        run: "/usr/local/sbin/workstation settle --delivered",
        stdin: JSON.stringify({ agent: this.#agent.sha256, ...delivered }),
        triggers: secrets,
      },
      [this.ready, ...people],
    );
  }
}

const uploadAgent = (
  parent: DevVm,
  name: string,
  { agent, after = [] }: DevVmArgs,
  connection: ReturnType<typeof connectionTo>,
) =>
  new remote.CopyToRemote(
    `${name}-agent`,
    {
      connection,
      source: new pulumi.asset.FileAsset(agent.path),
      remotePath: INCOMING,
      // Another key is another machine, which has nothing yet.
      triggers: [agent.sha256, connection.hostKey],
    },
    { parent, dependsOn: [...after] },
  );

const prepareHost = (
  parent: DevVm,
  name: string,
  args: DevVmArgs,
  connection: ReturnType<typeof connectionTo>,
  agent: pulumi.Resource,
) =>
  remoteCommand(
    parent,
    `${name}-base`,
    { connection, run: installThenApply(args.host.name, args.agent.sha256), stdin: JSON.stringify(args.base) },
    [agent],
  );

const deliverSecret = (parent: DevVm, name: string, part: IngressSecretPart, base: pulumi.Resource) =>
  remoteCommand(
    parent,
    `${name}-ingress-secret`,
    {
      connection: parent.connection,
      run: applies(part.kind, part.host),
      stdin: pulumi.secret(JSON.stringify(part)),
    },
    [base],
  );

const deliverMaps = (
  parent: DevVm,
  name: string,
  maps: MapsPart,
  connection: ReturnType<typeof connectionTo>,
  base: pulumi.Resource,
) =>
  remoteCommand(parent, `${name}-maps`, { connection, run: applies("maps", maps.host), stdin: JSON.stringify(maps) }, [
    base,
  ]);

/** The checksum stands in the command, so that a new agent installs itself and prepares the host anew. */
const installThenApply = (host: string, sha256: string) =>
  [
    "set -eu",
    ...preflight(INSTALLED),
    `if [ -e ${INCOMING} ]; then ${INSTALLED.node} ${INCOMING} install --sha256 ${sha256} </dev/null; fi`,
    applies("base", host),
  ].join("\n");
