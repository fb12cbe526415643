/** Defines the description of one server of the lab, which `start.ts` carries out. */

export interface ServerSpec {
  /** a-z, 0-9 and dashes; names its log (`logs/<name>.log`) and its record. */
  readonly name: string;
  /** Program (found on the lab's PATH, or absolute) and arguments. No shell. Nothing secret: `ps` shows it. */
  readonly argv: readonly string[];
  /** Files that it reads when it starts: another content means that it has to be started anew. They must exist by then. */
  readonly reads?: readonly string[];
  /** Added to the lab's own PATH, HOME (the server's folder), TMPDIR and LANG; nothing of the caller's environment reaches it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: `<instance>/<name>`, made when it is missing. */
  readonly cwd?: string;
  /** Runs as this user where it refuses to be root; default root. Its `cwd` becomes that user's. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Default `lab`, the instance's namespace; `host` for what has to manage namespaces itself. */
  readonly network?: "lab" | "host";
  /** Asked again and again until it says `true`; a string or an exception says what is still missing, for the error. */
  readonly ready: () => Promise<true | string>;
  /** How long it may take to become ready. */
  readonly withinMs: number;
  /** Asks it to end; default SIGTERM. A number for real-time signals. */
  readonly stopSignal?: NodeJS.Signals | number;
  /** How long it may take to end politely; default 10 s. Then it is killed with its process group. */
  readonly stopWithinMs?: number;
}

/** What `startServer` did. */
export type StartOutcome = "started" | "was running";
