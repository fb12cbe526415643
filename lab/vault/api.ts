/** Sends requests to Vault's API for the lab and its tests: with any token, to any path, with the answer as it is. */
import { readFile } from "node:fs/promises";
import { type HttpRequest, send } from "../../clients/http/send.ts";
import { LabError } from "../lab-error.ts";

export interface VaultAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
}

export interface LabVault {
  readonly address: string;
  /** Asks with the given token (the opener's where absent) and returns whatever comes. */
  ask(method: HttpRequest["method"], path: string, body?: object, token?: string): Promise<VaultAnswer>;
  /** Asks with the opener's token. Throws `LabError` unless it is done. */
  must(method: HttpRequest["method"], path: string, body?: object): Promise<unknown>;
  /** For `ServerSpec.ready`. */
  isReady(): Promise<true | string>;
}

/** @param caFile PEM of the authority of its certificate */
export async function labVault(address: string, caFile: string, token: string): Promise<LabVault> {
  const ca = await readFile(caFile, "utf8");
  const ask: LabVault["ask"] = async (method, path, body, as = token) => {
    const reply = await send({
      method,
      url: new URL(`${address}/v1/${path}`),
      headers: as === "" ? {} : { "x-vault-token": as },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ca,
      timeoutMs: 20_000,
    });
    return { status: reply.status, body: reply.text === "" ? undefined : (JSON.parse(reply.text) as unknown) };
  };
  return {
    address,
    ask,
    must: async (method, path, body) => {
      const { status, body: said } = await ask(method, path, body);
      if (status === 200 || status === 204) return said;
      throw new LabError(`Vault answers ${method} ${path} with ${status}: ${JSON.stringify(said)}`);
    },
    isReady: async () => {
      const { status } = await ask("GET", "sys/health");
      return status === 200 || `its health is ${status}`;
    },
  };
}
