/** Opens SSH connections: through a jump host if there is one, again after a failure, to the right host only. */
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";
import type { Client, ConnectConfig } from "ssh2";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { Call } from "../../../providers/runtime/provider.ts";
import type { Connection, Endpoint } from "./connection.ts";
import { endpointName } from "./connection.ts";
import { fingerprint, parseHostKey } from "./host-key.ts";

/** Runs `work` on a connection and closes it afterwards, also when the call is called off. */
export async function onHost<T>(to: Connection, call: Call, work: (client: Client) => Promise<T>): Promise<T> {
  const open: Client[] = [];
  const close = (): void => {
    for (const client of open.splice(0).reverse()) client.destroy();
  };
  const calledOff = new Promise<never>((_, reject) => {
    call.signal.addEventListener(
      "abort",
      () => {
        close();
        reject(call.signal.reason);
      },
      { once: true },
    );
  });
  try {
    return await Promise.race([dialThrough(to, call, open).then(work), calledOff]);
  } finally {
    close();
  }
}

async function dialThrough(to: Connection, call: Call, open: Client[]): Promise<Client> {
  if (to.proxy === undefined) return dial(to, undefined, call, open);
  const proxy = await dial(to.proxy, undefined, call, open);
  return dial(to, () => forward(proxy, to), call, open);
}

async function dial(
  to: Endpoint,
  through: (() => Promise<Duplex>) | undefined,
  call: Call,
  open: Client[],
): Promise<Client> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const sock = await through?.();
      return await connect({ ...configFor(to), ...(sock && { sock }) }, to, open);
    } catch (error) {
      if (error instanceof ProviderError) throw error;
      const why = error instanceof Error ? error.message : String(error);
      if (to.dialErrorLimit !== -1 && attempt >= Math.max(1, to.dialErrorLimit)) {
        throw new ProviderError(`ssh ${endpointName(to)}: ${why} (${attempt} attempts)`, { cause: error });
      }
      const limit = to.dialErrorLimit === -1 ? "inf" : to.dialErrorLimit;
      call.log.progress(`ssh ${endpointName(to)}: ${why}; attempt ${attempt}/${limit} failed, trying again`);
      await sleep(Math.min(FIRST_PAUSE_MS * PAUSE_GROWTH ** (attempt - 1), LONGEST_PAUSE_MS), undefined, {
        signal: call.signal,
      });
    }
  }
}

function configFor(to: Endpoint): ConnectConfig {
  const agent = to.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  return {
    host: to.host,
    port: to.port,
    username: to.user,
    readyTimeout: to.perDialTimeout * 1000,
    keepaliveInterval: KEEPALIVE_MS,
    ...(to.password !== undefined && { password: to.password, tryKeyboard: true }),
    ...(to.privateKey !== undefined && { privateKey: to.privateKey }),
    ...(to.privateKeyPassword !== undefined && { passphrase: to.privateKeyPassword }),
    ...(agent !== undefined && agent !== "" && { agent }),
  };
}

function connect(config: ConnectConfig, to: Endpoint, open: Client[]): Promise<Client> {
  const expected = to.hostKey === undefined ? undefined : parseHostKey(to.hostKey);
  let presented = "";
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    open.push(client);
    const fail = (error: Error & { readonly level?: string }): void => {
      client.destroy();
      reject(finalError(error, to, expected?.fingerprint, presented));
    };
    client.on("error", fail);
    client.on("close", () => fail(new Error("the connection was closed")));
    client.on("keyboard-interactive", (...asked: readonly unknown[]) => {
      const [prompts, answer] = asked.slice(3) as [readonly unknown[], (answers: readonly string[]) => void];
      answer(prompts.map(() => to.password ?? ""));
    });
    client.on("ready", () => resolve(client));
    try {
      client.connect({
        ...config,
        ...(expected !== undefined && { algorithms: { serverHostKey: expected.algorithms } }),
        hostVerifier: (key) => {
          presented = fingerprint(key);
          return expected?.blob.equals(key) ?? true;
        },
      });
    } catch (error) {
      // A key that cannot be read is thrown at once; its message names the format, never the key.
      reject(new ProviderError(`ssh ${endpointName(to)}: ${error instanceof Error ? error.message : String(error)}`));
    }
  });
}

/** An error that trying again cannot fix ends the attempts; all others are passed on. */
function finalError(
  error: Error & { readonly level?: string },
  to: Endpoint,
  expected: string | undefined,
  presented: string,
): Error {
  if (expected !== undefined && presented !== "" && presented !== expected) {
    return new ProviderError(
      `ssh ${endpointName(to)}: the host presents the key ${presented}, and connection.hostKey is ${expected}; ` +
        "if the host was set up anew, give its new key, and otherwise do not go on: something stands between",
    );
  }
  if (error.level === "client-authentication") {
    return new ProviderError(`ssh ${endpointName(to)}: the host refuses this user with this key or password`);
  }
  return error;
}

function forward(proxy: Client, to: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    proxy.forwardOut("127.0.0.1", 0, to.host, to.port, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

const FIRST_PAUSE_MS = 100;
const PAUSE_GROWTH = 1.5;
const LONGEST_PAUSE_MS = 5_000;
/** A host that vanishes in the middle of a command is noticed after three missed answers. */
const KEEPALIVE_MS = 20_000;
