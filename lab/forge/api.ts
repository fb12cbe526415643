/** Sends requests to the forge's API for the lab and its tests: as anybody, to any path, with the answer as it is. */
import { LabError } from "../lab-error.ts";

/** A login with its password or with a token, or nobody. */
export type ForgeLogin = { readonly login: string; readonly password: string } | "anonymous";

export interface ForgeAnswer {
  readonly status: number;
  /** Parsed JSON; undefined where there is none. */
  readonly body: unknown;
}

export interface ForgeApi {
  /** Asks below `/api/v1` (as the administrator where nobody is named) and returns whatever comes. */
  ask(method: string, path: string, body?: object, as?: ForgeLogin): Promise<ForgeAnswer>;
  /** Asks as the administrator. Throws `LabError` unless it is done. */
  must(method: string, path: string, body?: object): Promise<unknown>;
}

/** @param url base address, without a slash at its end */
export function forgeApi(url: string, admin: ForgeLogin): ForgeApi {
  const ask: ForgeApi["ask"] = async (method, path, body, as = admin) => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers: { ...authorization(as), ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
    return { status: response.status, body: isJson ? (JSON.parse(text) as unknown) : undefined };
  };
  return {
    ask,
    async must(method, path, body) {
      const { status, body: said } = await ask(method, path, body);
      if (status >= 200 && status < 300) return said;
      throw new LabError(`The forge answers ${method} ${path} with ${status}: ${JSON.stringify(said)}`);
    },
  };
}

/** The header that names who asks, for the API and for git alike; none for nobody. */
export function authorization(as: ForgeLogin): Record<string, string> {
  if (as === "anonymous") return {};
  return { authorization: `Basic ${Buffer.from(`${as.login}:${as.password}`).toString("base64")}` };
}
