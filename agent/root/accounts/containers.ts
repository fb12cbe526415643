/**
 * Finds the containers of the host's engines that outlive an account: those that use its home or its uid, and those that
 * have root's rights. An engine does not record who created a container.
 */

import { request } from "node:http";
import { z } from "zod";
import type { User } from "../system/account-database.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { parseJsonOrUndefined } from "../../lib/parse-json.ts";
import { homeOf } from "./verify-ownership.ts";

export interface Container {
  readonly engine: string;
  readonly id: string;
  readonly name: string;
  /** As the engine tells. */
  readonly created: string;
  /** @example "mounts /home/emo/data", "runs as uid 2000", "is privileged" */
  readonly why: string;
  /** Whether the account is the reason; otherwise anybody who had the engine may have created it. */
  readonly isTheirs: boolean;
}

export interface Engine {
  readonly name: string;
  readonly socket: string;
  /** The service that must run already: its socket would start it, and all its containers with it. */
  readonly service?: string;
}

const ENGINES: readonly Engine[] = [
  { name: "docker", socket: "/run/docker.sock", service: "docker.service" },
  { name: "podman", socket: "/run/podman/podman.sock" },
];

const listing = z.array(z.object({ Id: z.string().regex(/^[0-9a-f]{12,64}$/) }));
const details = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  State: z.object({ Running: z.boolean() }),
  Config: z.object({ User: z.string().nullish() }),
  HostConfig: z.object({
    Privileged: z.boolean().nullish(),
    PidMode: z.string().nullish(),
    CapAdd: z.array(z.string()).nullish(),
    Devices: z.array(z.object({ PathOnHost: z.string() })).nullish(),
    RestartPolicy: z.object({ Name: z.string().nullish() }).nullish(),
  }),
  Mounts: z.array(z.object({ Source: z.string().nullish(), RW: z.boolean().nullish() })).nullish(),
});
export type ContainerDetails = z.output<typeof details>;

/** More of them than that are not looked at one by one. */
const MOST = 300;
const ANSWER_MS = 5000;
const LARGEST = 8 * 1024 * 1024;

/**
 * @param hadEngine whether the account could create containers: only then those with root's rights are listed too
 * @returns null where an engine is there that did not answer
 */
export async function containersOf(
  m: Machine,
  user: User,
  hadEngine: boolean,
  engines: readonly Engine[] = ENGINES,
): Promise<readonly Container[] | null> {
  const found: Container[] = [];
  for (const engine of engines) {
    if (m.sys.look(engine.socket) === undefined) continue;
    const all = await containersIn(m, engine);
    if (all === null) return null;
    for (const one of all) {
      const reason = reasonOf(one, user, hadEngine);
      if (reason === undefined) continue;
      const name = one.Name.replace(/^\//, "");
      found.push({ engine: engine.name, id: one.Id.slice(0, 12), name, created: one.Created, ...reason });
    }
  }
  return found;
}

async function containersIn(m: Machine, { socket, service }: Engine): Promise<readonly ContainerDetails[] | null> {
  if (service !== undefined) {
    const state = (await m.units([service])).get(service);
    if (state?.load === "loaded" && state.active !== "active") return null;
  }
  const listed = listing.safeParse(await ask(socket, "/containers/json?all=true"));
  if (!listed.success || listed.data.length > MOST) return null;
  const found: ContainerDetails[] = [];
  for (const { Id } of listed.data) {
    const answer = await ask(socket, `/containers/${Id}/json`);
    // It was removed since the listing.
    if (answer === "absent") continue;
    const one = details.safeParse(answer);
    if (!one.success) return null;
    found.push(one.data);
  }
  return found;
}

/** The parsed answer, `absent` for a 404, and undefined for everything that is no answer. */
function ask(socketPath: string, path: string): Promise<unknown> {
  return new Promise((resolve) => {
    const query = request(
      { socketPath, path, headers: { host: "localhost" }, timeout: ANSWER_MS, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        answer.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > LARGEST) answer.destroy();
          else chunks.push(chunk);
        });
        answer.on("close", () => resolve(undefined));
        answer.on("end", () =>
          resolve(
            answer.statusCode === 404
              ? "absent"
              : answer.statusCode === 200
                ? parseJsonOrUndefined(Buffer.concat(chunks).toString("utf8"))
                : undefined,
          ),
        );
      },
    );
    query.on("timeout", () => query.destroy());
    query.on("error", () => resolve(undefined));
    query.end();
  });
}

/** Capabilities with which a process in a container is root on the host, or reads every file of it. */
const ROOT_CAPABILITIES = ["ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH"];
/** Whoever writes to one of these, or speaks to an engine, is root on the host. */
const ROOT_MOUNTS = ["/", "/etc", "/root", "/usr", "/var", "/proc", "/sys", "/dev", "/run", "/boot"];
/** A writable file or folder below these is enough: a sudo rule, a unit, a key of root's, a job. */
const ROOT_TREES = ["/etc", "/root", "/usr", "/boot", "/dev", "/var/spool", "/var/lib/workstation"];
/** Devices that are no way to anything of the host. */
const HARMLESS_DEVICE = /^\/dev\/(?:fuse|kvm|null|random|urandom|zero|net\/tun|dri\/|snd\/|nvidia)/;
const ENGINE_SOCKET = /\/(docker|podman|containerd)\.sock$/;

const isWayToRoot = (source: string, isWritable: boolean): boolean =>
  ROOT_MOUNTS.includes(source) ||
  source === "/home" ||
  ENGINE_SOCKET.test(source) ||
  (isWritable && ROOT_TREES.some((tree) => source.startsWith(`${tree}/`)));

/** Exported for the tests. Undefined for a container that is stopped for good, and for one that gives nobody anything. */
export function reasonOf(
  one: ContainerDetails,
  user: User,
  hadEngine: boolean,
): Pick<Container, "why" | "isTheirs"> | undefined {
  const restart = one.HostConfig.RestartPolicy?.Name ?? "";
  if (!one.State.Running && (restart === "" || restart === "no")) return undefined;
  const home = homeOf(user.name);
  const sources = (one.Mounts ?? []).flatMap(({ Source }) => Source ?? []);
  const inHome = sources.find((source) => source === home || source.startsWith(`${home}/`));
  if (inHome !== undefined) return { why: `mounts ${inHome}`, isTheirs: true };
  if ((one.Config.User ?? "").split(":")[0] === String(user.uid))
    return { why: `runs as uid ${user.uid}`, isTheirs: true };
  if (!hadEngine) return undefined;
  const { Privileged, PidMode, CapAdd, Devices } = one.HostConfig;
  const capability = (CapAdd ?? []).find((name) => ROOT_CAPABILITIES.includes(name.replace(/^CAP_/, "")));
  const mount = (one.Mounts ?? []).find(({ Source, RW }) => isWayToRoot(Source ?? "", RW !== false))?.Source;
  const device = (Devices ?? []).find(({ PathOnHost }) => !HARMLESS_DEVICE.test(PathOnHost))?.PathOnHost;
  const why =
    Privileged === true
      ? "is privileged"
      : PidMode === "host"
        ? "sees the host's processes"
        : mount !== undefined
          ? `mounts ${mount}`
          : device !== undefined
            ? `has the device ${device}`
            : capability === undefined
              ? undefined
              : `has the capability ${capability}`;
  return why === undefined ? undefined : { why, isTheirs: false };
}
