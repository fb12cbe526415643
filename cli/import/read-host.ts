/**
 * Reads a host as it is: accounts, maps, units, and the state of people's clones. Anything unreadable is an error and
 * never an empty answer.
 */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseJson } from "../../clients/parse-json.ts";
import { mapOf } from "../../agent/lib/map-schema.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Host, onHost } from "../../clients/ssh/run-command.ts";
import { UnreadableSurface } from "./unreadable-surface.ts";

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** By name, their own included. */
  readonly groups: readonly string[];
  /** Whether the home's mode lets its group or others enter or list it. */
  readonly isHomeOpen: boolean;
  /** Why this can be nobody's working place, or undefined. */
  readonly unfit?: string;
}

export interface HostState {
  readonly host: string;
  /** From uid 1000 up, in the order of their uids. */
  readonly accounts: readonly Account[];
  readonly dispatch: ReadonlyMap<string, { readonly osUser: string; readonly port: number }>;
  /** authentik_user to os_user. */
  readonly terminalMap: ReadonlyMap<string, string>;
  readonly admins: ReadonlySet<string>;
  /** Ports of the environment files, by OS user. */
  readonly ports: ReadonlyMap<string, { readonly t3?: number; readonly browser?: number }>;
  /** OS users whose code server is enabled or runs. */
  readonly running: ReadonlySet<string>;
  readonly linger: ReadonlySet<string>;
  /** This program has worked here before: then its own ledger says uids and ports. */
  readonly isManaged: boolean;
}

/** How somebody's clones lie. */
export interface HomeState {
  readonly code: "link" | "clone" | "folder" | "other" | "none";
  readonly infra: "link" | "clone" | "folder" | "other" | "none";
  /** Clones right below `~/code`, with the addresses of their remotes. */
  readonly clones: ReadonlyMap<string, readonly string[]>;
}

const script = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

/** @throws UnreadableSurface */
export async function readHost(settings: StackSettings, host: Host): Promise<HostState> {
  const ran = await onHost(settings, host, { argv: ["/bin/sh", "-s"], stdin: script("host.sh"), timeoutMs: 120_000 });
  if (ran.code !== 0 || !ran.stdout.endsWith("\nend\n")) {
    throw new UnreadableSurface(
      `${host.name}: could not be looked at as a whole (exit code ${ran.code}): ${ran.stderr.trim()}`,
    );
  }
  return parseHost(host.name, ran.stdout);
}

/** Pure. @throws UnreadableSurface for an answer that is not whole */
export function parseHost(host: string, answer: string): HostState {
  const files = new Map<string, string>();
  const answers = new Map<string, string>();
  for (const line of answer.trim().split("\n")) {
    const [kind = "", name = "", text = ""] = line.split(" ");
    const plain = Buffer.from(text, "base64").toString("utf8");
    if (kind === "file") files.set(name, plain);
    else if (kind === "said") answers.set(name, plain);
    else if (kind === "odd") throw new UnreadableSurface(`${host}: ${name} is no plain file, so it is not read`);
    else if (kind !== "none" && kind !== "end")
      throw new UnreadableSurface(`${host}: answers in a form that is not known`);
  }
  const accounts = accountsOf(host, files, answers);
  const dispatch = dispatchIn(host, files.get("/etc/t3-serve/dispatch.json"));
  return {
    host,
    accounts,
    dispatch,
    terminalMap: pairsIn(host, files.get("/etc/ttyd-user-map")),
    admins: new Set(linesOf(files.get("/etc/ttyd-admins"))),
    ports: new Map(
      [...answers].flatMap(([key, text]) => (key.startsWith("env:") ? [[key.slice(4), portsIn(text)] as const] : [])),
    ),
    running: new Set([...instancesIn(answers.get("enabled")), ...instancesIn(runningIn(answers.get("units")))]),
    linger: new Set(linesOf(answers.get("linger"))),
    isManaged: files.has("/var/lib/workstation/ledger.json"),
  };
}

function accountsOf(host: string, files: ReadonlyMap<string, string>, answers: ReadonlyMap<string, string>): Account[] {
  const rows = (path: string) => {
    const text = files.get(path);
    if (text === undefined)
      throw new UnreadableSurface(`${host}: ${path} is missing, so nothing can be said about who exists`);
    return linesOf(text).map((line) => line.split(":"));
  };
  const groups = rows("/etc/group").map(([name = "", , gid, members = ""]) => ({
    ...{ name, gid },
    members: members.split(","),
  }));
  const accounts = rows("/etc/passwd").flatMap(([name = "", , uid, gid, , home = "", shell = ""]): Account[] => {
    const number = Number(uid);
    if (!(number >= 1000 && number < 60_000)) return [];
    const mine = groups.filter((group) => group.gid === gid || group.members.includes(name)).map((group) => group.name);
    const unfit = unfitness(name, number, home, shell, answers.get(`home:${name}`));
    const isHomeOpen = (modeIn(answers.get(`home:${name}`)) & 0o077) !== 0;
    const of = { name, uid: number, gid: Number(gid), home, shell, groups: mine, isHomeOpen };
    return [{ ...of, ...(unfit === undefined ? {} : { unfit }) }];
  });
  return accounts.sort((a, b) => a.uid - b.uid);
}

/** Of `<uid> <mode> <kind>`; closed where there is no home. */
const modeIn = (stat = ""): number => Number.parseInt(stat.split(" ")[1] ?? "0", 8);

/** The same that the host itself would refuse. */
function unfitness(name: string, uid: number, home: string, shell: string, stat = "missing"): string | undefined {
  const [owner, mode = "", ...kind] = stat.split(" ");
  if (/\/(nologin|false)$/.test(shell)) return `its shell is ${shell}`;
  if (home !== `/home/${name}`) return `its home is ${home}, and only /home/${name} is worked in`;
  if (stat === "missing") return `${home} is missing`;
  if (kind.join(" ") !== "directory") return `${home} is no directory`;
  if (Number(owner) !== uid) return `${home} belongs to uid ${owner}`;
  if ((Number.parseInt(mode, 8) & 0o022) !== 0) return `${home} can be written by others (mode ${mode})`;
  return undefined;
}

const table = mapOf(z.looseObject({ os_user: z.string(), port: z.int() }));

function dispatchIn(host: string, text: string | undefined): HostState["dispatch"] {
  if (text === undefined) return new Map();
  const parsed = table.safeParse(parseJson(text));
  if (!parsed.success) throw new UnreadableSurface(`${host}: /etc/t3-serve/dispatch.json is no dispatch table`);
  return new Map([...parsed.data].map(([who, { os_user, port }]) => [who, { osUser: os_user, port }]));
}

function pairsIn(host: string, text: string | undefined): ReadonlyMap<string, string> {
  const pairs = linesOf(text).map((line) => line.split("="));
  if (pairs.some((pair) => pair.length !== 2))
    throw new UnreadableSurface(`${host}: /etc/ttyd-user-map has a line that is no pair`);
  return new Map(pairs as [string, string][]);
}

function portsIn(text: string): { readonly t3?: number; readonly browser?: number } {
  const port = (name: string) => {
    const found = [...text.matchAll(new RegExp(`^${name}=["']?(\\d+)`, "gm"))].at(-1)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const [t3, browser] = [port("T3_PORT"), port("BROWSER_PORT")];
  return { ...(t3 === undefined ? {} : { t3 }), ...(browser === undefined ? {} : { browser }) };
}

const runningIn = (text = "") =>
  linesOf(text)
    .map((line) => line.split(/\s+/))
    .filter(([, , active]) => active === "active")
    .map(([unit]) => unit)
    .join("\n");

const instancesIn = (text = "") => [...text.matchAll(/^t3-serve@(.+)\.service$/gm)].map(([, who = ""]) => who);

const linesOf = (text = "") => text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));

const homeLine = /^(code|infra) (link|clone|folder|other|none)$/;

/** As that person, in a unit of its own that ends with its look. @throws UnreadableSurface */
export async function readHome(settings: StackSettings, host: Host, account: Account): Promise<HomeState> {
  const limits = ["NoNewPrivileges=yes", "RuntimeMaxSec=20", "MemoryMax=256M", "TasksMax=32", "LimitCORE=0"];
  const argv = [
    ...["/usr/bin/systemd-run", "--pipe", "--wait", "--collect", "--quiet", "--service-type=exec"],
    ...[`--uid=${account.uid}`, `--gid=${account.gid}`, "--property=WorkingDirectory=/"],
    ...limits.map((limit) => `--property=${limit}`),
    ...["--", "/bin/sh", "-s", account.home],
  ];
  const ran = await onHost(settings, host, { argv, stdin: script("home.sh"), timeoutMs: 40_000 });
  if (ran.code !== 0 || !/(^|\n)end\n$/.test(ran.stdout) || ran.stdout.length > 1 << 20) {
    throw new UnreadableSurface(
      `${host.name}: ${account.name}'s clones could not be looked at as them (exit code ${ran.code})`,
    );
  }
  return parseHome(ran.stdout);
}

/** Pure; the answer is a person's own, so a line of another form is passed over. */
export function parseHome(answer: string): HomeState {
  const clones = new Map<string, string[]>();
  let [code, infra]: [HomeState["code"], HomeState["code"]] = ["none", "none"];
  for (const line of answer.split("\n")) {
    const [, place, kind] = homeLine.exec(line) ?? [];
    if (place === "code") code = kind as HomeState["code"];
    if (place === "infra") infra = kind as HomeState["code"];
    const [, name, url] = /^(?:repo|remote) ([A-Za-z0-9._-]{1,100})(?: (\S{1,400}))?$/.exec(line) ?? [];
    if (name !== undefined) clones.set(name, [...(clones.get(name) ?? []), ...(url === undefined ? [] : [url])]);
  }
  return { code, infra, clones };
}
