/** A host on loopback that speaks real SSH and answers each command with what the test says; nothing of it touches a machine. */

import { createRequire } from "node:module";
import type { AddressInfo, Server as NetServer } from "node:net";
import type { Duplex } from "node:stream";

interface Channel extends Duplex {
  readonly stderr: Duplex;
  exit(code: number): void;
  end(): this;
}
interface Session {
  on(what: "exec", take: (accept: () => Channel, reject: () => void, info: { readonly command: string }) => void): void;
}
interface Connection {
  on(what: "authentication", take: (context: { accept(): void }) => void): void;
  on(what: "session", take: (accept: () => Session) => void): void;
  on(what: "error", take: (error: Error) => void): void;
  end(): void;
}
interface KeyPair {
  readonly private: string;
  readonly public: string;
}

/** The half of ssh2 that the program itself has no use for. Of its Ed25519 keys every few hundredth cannot be parsed. */
interface ServerSide {
  readonly Server: new (
    options: { readonly hostKeys: readonly string[] },
    take: (one: Connection) => void,
  ) => NetServer;
  readonly utils: { generateKeyPairSync(kind: "ecdsa", options: { readonly bits: number }): KeyPair };
}
const { Server, utils } = createRequire(import.meta.url)("ssh2") as ServerSide;

export interface Answered {
  readonly code?: number;
  readonly out?: string;
  readonly err?: string;
}

/** As root's .bashrc may print it before each command. */
const NOISE = "hello\nwelcome to this host\n";

export interface LoopbackHost {
  /** For a stack's `hosts` and `sshPrivateKey`. */
  readonly settings: { readonly hosts: readonly object[]; readonly sshPrivateKey: string };
  /** The words of every command that was sent, in their order. */
  readonly sent: (readonly string[])[];
  stop(): Promise<void>;
}

export async function startLoopbackHost(
  name: string,
  answer: (words: readonly string[]) => Answered,
): Promise<LoopbackHost> {
  const keys = utils.generateKeyPairSync("ecdsa", { bits: 256 });
  const sent: (readonly string[])[] = [];
  const server = new Server({ hostKeys: [keys.private] }, (client) => {
    client.on("authentication", (context) => context.accept());
    // Whoever goes away early has said nothing that counts.
    client.on("error", () => client.end());
    client.on("session", (accept) =>
      accept().on("exec", (take, _, { command }) => {
        const [, frame = "", ...words] = [...command.matchAll(/'((?:[^']|'\\'')*)'/g)].map(([, word = ""]) =>
          word.replaceAll("'\\''", "'"),
        );
        sent.push(words);
        const channel = take();
        const { code = 0, out = "", err = "" } = answer(words);
        channel.stderr.write(`${frame}\n${err}`);
        channel.write(`${NOISE}${frame}\n${out}`);
        channel.exit(code);
        channel.end();
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const hostKey = keys.public.split(" ").slice(0, 2).join(" ");
  return {
    settings: { hosts: [{ name, address: "127.0.0.1", port, hostKey }], sshPrivateKey: keys.private },
    sent,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
