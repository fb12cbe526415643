/** Vault's API as the lab and its tests use it: any token, any path, and the answer as it is. */
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { LabError } from "../lab-error.ts";

export interface VaultAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
}

export interface LabVault {
  readonly address: string;
  /** Asks with the given token (the opener's where absent) and returns whatever comes. */
  ask(method: string, path: string, body?: object, token?: string): Promise<VaultAnswer>;
  /** Asks with the opener's token. Throws `LabError` unless it is done. */
  must(method: string, path: string, body?: object): Promise<unknown>;
  /** For `ServerSpec.ready`. */
  isReady(): Promise<true | string>;
}

/** @param caFile PEM of the authority of its certificate */
export async function labVault(address: string, caFile: string, token: string): Promise<LabVault> {
  const ca = await readFile(caFile, "utf8");
  const ask: LabVault["ask"] = (method, path, body, as = token) =>
    new Promise((resolve, reject) => {
      const headers = as === "" ? {} : { "x-vault-token": as };
      const call = request(`${address}/v1/${path}`, { method, ca, headers, agent: false, timeout: 20_000 }, (reply) => {
        let text = "";
        reply.setEncoding("utf8").on("data", (part: string) => (text += part));
        reply.on("end", () =>
          resolve({ status: reply.statusCode ?? 0, body: text === "" ? undefined : (JSON.parse(text) as unknown) }),
        );
        reply.on("error", reject);
      });
      call.on("timeout", () => call.destroy(new LabError(`Vault did not answer ${method} ${path} within 20 s`)));
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
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
