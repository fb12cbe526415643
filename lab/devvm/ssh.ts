/** Runs something on a DevVM over SSH, with the instance's own key and the host key that it is known to have. */
import { framedCommand } from "../../clients/ssh/framed-command.ts";
import { LabError } from "../lab-error.ts";
import { shellQuoted } from "../../clients/shell-quote.ts";
import { type Ran, run } from "../run.ts";

/** Who to reach and how to trust it. */
export interface SshTarget {
  readonly address: string;
  readonly privateKeyPath: string;
  readonly knownHostsPath: string;
}

export interface SshOptions {
  /** Standard input. */
  readonly input?: string;
  /** Runs as this user, in their home and in a login session of theirs. Default root. */
  readonly as?: string;
  /** Default 60 s. */
  readonly timeoutMs?: number;
  /** Exit codes that are an answer and not a failure. Default: 0 alone. 255 is also what ssh itself fails with. */
  readonly accept?: readonly number[];
}

/** A script for `sh`, or an argv that arrives as it is, whatever it holds. */
export type SshCommand = string | readonly [string, ...string[]];

/** Runs it and answers what it said. Throws `LabError` when it ends with another code or is late. */
export async function ssh(target: SshTarget, command: SshCommand, options: SshOptions = {}): Promise<Ran> {
  const { as, accept = [0], ...rest } = options;
  const script = typeof command === "string" ? command : command.map(shellQuoted).join(" ");
  const remote = as === undefined ? script : loginAs(as, script);
  const framed = framedCommand(["/bin/sh", "-c", remote]);
  const all = await run([...sshArgv(target), framed.text], { ...rest, accept: ANY_CODE });
  const own = framed.own(all.stdout);
  const ran = { ...all, stdout: own ?? "", stderr: framed.own(all.stderr) ?? all.stderr };
  if (own === undefined && all.code !== NOT_CONNECTED)
    throw new LabError(`root at ${target.address}: the login shell ended before the command began (${all.code})`);
  if (accept.includes(ran.code)) return ran;
  const output = (ran.stderr.trim() || ran.stdout.trim()).split("\n").slice(-12).join("\n  ");
  const who = `${as ?? "root"} at ${target.address}`;
  throw new LabError(`${who}: ended with exit code ${ran.code}: ${shortened(script)}\n  ${output}`);
}

/** The argv of an ssh that logs in as root; a command may follow. It reads nobody's own ssh configuration. */
export const sshArgv = (target: SshTarget): [string, ...string[]] => [
  ...(["ssh", "-F", "none", "-i", target.privateKeyPath] as [string, ...string[]]),
  ...Object.entries({
    BatchMode: "yes",
    IdentitiesOnly: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: target.knownHostsPath,
    GlobalKnownHostsFile: "/dev/null",
    ConnectTimeout: "5",
    LogLevel: "ERROR",
  }).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
  `root@${target.address}`,
];

/** Which codes are a failure is told below, without the dozen options that ssh was given. */
const ANY_CODE = Array.from({ length: 256 }, (_, code) => code);

/** ssh itself could not connect, or lost the connection. */
const NOT_CONNECTED = 255;

/**
 * Not `runuser --login`: below root's own session it opens none for the person, and their runtime folder would be missing.
 * A unit with a PAM name gets a session of logind's, whose scope what it leaves running moves to, as after a real login.
 */
const loginAs = (user: string, script: string): string =>
  ["exec systemd-run --quiet --pipe --wait --collect --property=PAMName=runuser-l --setenv=LANG=C.UTF-8"]
    .concat([shellQuoted(`--property=User=${user}`), "--", "/bin/sh", "-c", shellQuoted(`cd\n${script}`)])
    .join(" ");

const shortened = (script: string): string => (script.length <= 200 ? script : `${script.slice(0, 200)}…`);
