/** Runs one command on one host over SSH; the host proves itself by its configured key first. */

import ssh2 from "ssh2";
import { ClientError } from "../client-error.ts";
import { framedCommand } from "./framed-command.ts";

/** Where a host is, and how it proves to be the one that is meant. */
export interface Host {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** As in a `known_hosts` file: kind and key in base64. */
  readonly hostKey: string;
}

export interface HostCommand {
  /** Words of the command; each arrives as it is, whatever the login shell there prints or does before. */
  readonly argv: readonly string[];
  readonly stdin?: string;
  /** For the whole exchange. Default: 60 s. */
  readonly timeoutMs?: number;
}

export interface HostAnswer {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The host could not be asked; it is not taken for one that holds nothing. */
export class HostUnreached extends ClientError {
  override readonly name = "HostUnreached";
}

/** Larger answers are cut off as an error: a host never says as much to us. */
const MAX_ANSWER_BYTES = 64 << 20;
const DIAL_MS = 15_000;

/** @throws HostUnreached with the host's name */
export async function onHost(
  { sshPrivateKey: privateKey }: { readonly sshPrivateKey: string },
  host: Host,
  { argv, stdin, timeoutMs = 60_000 }: HostCommand,
): Promise<HostAnswer> {
  const framed = framedCommand(argv);
  const client = new ssh2.Client();
  try {
    return await new Promise<HostAnswer>((resolve, reject) => {
      const fail = (why: string, cause?: Error) => reject(new HostUnreached(`${host.name}: ${why}`, { cause }));
      const late = () => fail(`no whole answer within ${timeoutMs / 1000} s`);
      const limit = setTimeout(late, timeoutMs);
      client.on("close", () => clearTimeout(limit));
      client.on("error", (cause) => fail(`cannot be reached over SSH (${cause.message})`, cause));
      client.on("ready", () => {
        client.exec(framed.text, {}, (refused, channel) => {
          if (refused) return fail(`refused the command (${refused.message})`, refused);
          const parts = { out: [] as Buffer[], err: [] as Buffer[] };
          let bytes = 0;
          const take = (into: Buffer[]) => (part: Buffer) => {
            bytes += part.length;
            if (bytes > MAX_ANSWER_BYTES) return fail("answers with more than can be read");
            into.push(part);
          };
          channel.on("data", take(parts.out));
          channel.stderr.on("data", take(parts.err));
          let code: number | null | undefined;
          channel.on("exit", (status: number | null) => {
            code = status;
          });
          channel.on("close", () => {
            if (code === undefined) return fail("the connection ended before the command did");
            const [stdout, stderr] = [framed.own(textOf(parts.out)), framed.own(textOf(parts.err))];
            if (stdout === undefined || stderr === undefined)
              return fail(`the login shell of ${host.user} ended before the command began; ${lookInto(host.user)}`);
            resolve({ code, stdout, stderr });
          });
          channel.end(stdin);
        });
      });
      try {
        client.connect({
          host: host.address,
          port: host.port,
          username: host.user,
          privateKey,
          readyTimeout: DIAL_MS,
          hostVerifier: (key: Buffer) => key.toString("base64") === host.hostKey.split(" ")[1],
          algorithms: { serverHostKey: [algorithmOf(host)] },
        });
      } catch (cause) {
        // ssh2 throws for a key that it cannot read, and never closes; its sentence repeats nothing of the key.
        clearTimeout(limit);
        fail(`the login cannot be tried: ${(cause as Error).message}`, cause as Error);
      }
    });
  } finally {
    client.end();
  }
}

const textOf = (parts: readonly Buffer[]) => Buffer.concat(parts).toString("utf8");

const lookInto = (user: string) =>
  `a start-up file such as .bashrc in the home of ${user} must not exit or start another program in a session without a terminal`;

/** Only the kind of key that is configured: a host with several would otherwise show another one. */
function algorithmOf({ hostKey }: Host) {
  const kind = hostKey.split(" ")[0];
  if (kind === "ssh-rsa") return "rsa-sha2-512" as const;
  return kind as "ssh-ed25519";
}
