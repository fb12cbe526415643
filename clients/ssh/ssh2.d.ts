/** Declares the types of ssh2 that `./ws` and the lab use; the published types depend on another version of node's. */
declare module "ssh2" {
  import type { EventEmitter } from "node:events";
  import type { Duplex, Readable } from "node:stream";

  export interface ConnectConfig {
    readonly host?: string;
    readonly port?: number;
    readonly sock?: Duplex;
    readonly username: string;
    readonly password?: string;
    readonly tryKeyboard?: boolean;
    readonly privateKey?: string;
    readonly passphrase?: string;
    readonly agent?: string;
    /** Milliseconds until the handshake has to be done; 0 for no limit. */
    readonly readyTimeout?: number;
    readonly keepaliveInterval?: number;
    readonly algorithms?: { readonly serverHostKey?: readonly string[] };
    readonly hostVerifier?: (key: Buffer) => boolean;
  }

  export interface ClientChannel extends Duplex {
    readonly stderr: Readable;
    signal(name: string): void;
    close(): void;
  }

  export interface SFTPWrapper {
    stat(path: string, done: (error: Error | undefined, stats: { isDirectory(): boolean }) => void): void;
    mkdir(path: string, done: (error: Error | undefined) => void): void;
    writeFile(path: string, data: Buffer, done: (error: Error | undefined) => void): void;
  }

  export class Client extends EventEmitter {
    connect(config: ConnectConfig): this;
    exec(
      command: string,
      options: { readonly env?: Readonly<Record<string, string>> },
      done: (error: Error | undefined, channel: ClientChannel) => void,
    ): boolean;
    sftp(done: (error: Error | undefined, sftp: SFTPWrapper) => void): boolean;
    forwardOut(
      sourceHost: string,
      sourcePort: number,
      host: string,
      port: number,
      done: (error: Error | undefined, channel: ClientChannel) => void,
    ): boolean;
    end(): this;
    destroy(): this;
  }

  const ssh2: { readonly Client: typeof Client };
  export default ssh2;
}
