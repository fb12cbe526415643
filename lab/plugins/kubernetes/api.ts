/**
 * Sends requests to the API server over HTTPS and returns parsed JSON or a typed error. It knows nothing of Pulumi's
 * state.
 */
import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent, request as httpsRequest } from "node:https";
import { status } from "@grpc/grpc-js";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import { isMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Cluster } from "./kubeconfig.ts";
import { textAt } from "./objects.ts";

/** The server answered, and refused. */
export class ApiError extends ProviderError {
  /** The HTTP status. */
  readonly http: number;
  /** The API's own word: `AlreadyExists`, `NotFound`, `Conflict`, `Forbidden`, `Invalid`. */
  readonly reason: string;
  constructor(http: number, reason: string, message: string) {
    super(message, { code: CODES[reason] ?? status.UNKNOWN });
    this.name = "ApiError";
    this.http = http;
    this.reason = reason;
  }
}

/** One request. */
export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With a leading slash. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** `application/json` by default. */
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Gets what the server says in `Warning` headers. */
  readonly warn?: (message: string) => void;
}

/** A connection to one API server. */
export interface Api {
  readonly server: string;
  /** Throws {@link ApiError} when the server refuses, and UNAVAILABLE when there is no answer. */
  readonly send: (request: ApiRequest) => Promise<PropertyMap>;
}

/** Keeps connections open between requests: a thousand small objects must not cost a thousand handshakes. */
export function connect(cluster: Cluster): Api {
  const plain = cluster.server.startsWith("http:");
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agent = plain
    ? new HttpAgent(options)
    : new Agent({
        ...options,
        ...(cluster.ca !== undefined && { ca: cluster.ca }),
        ...(cluster.cert !== undefined && { cert: cluster.cert }),
        ...(cluster.key !== undefined && { key: cluster.key }),
        ...(cluster.serverName !== undefined && { servername: cluster.serverName }),
        rejectUnauthorized: !cluster.insecure,
      });
  const start = plain ? httpRequest : httpsRequest;

  const once = (request: ApiRequest): Promise<PropertyMap> =>
    new Promise((resolve, reject) => {
      const body = request.body === undefined ? undefined : JSON.stringify(request.body);
      const query = new URLSearchParams(request.query).toString();
      const sent = start(`${cluster.server}${request.path}${query === "" ? "" : `?${query}`}`, {
        ...{ method: request.method, agent, timeout: SILENCE_LIMIT_MS },
        ...(request.signal !== undefined && { signal: request.signal }),
        headers: {
          accept: "application/json",
          ...(cluster.token !== undefined && { authorization: `Bearer ${cluster.token}` }),
          ...(body !== undefined && {
            "content-type": request.contentType ?? "application/json",
            "content-length": Buffer.byteLength(body),
          }),
        },
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer for ${SILENCE_LIMIT_MS / 1000} s`)));
      sent.on("error", reject);
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          for (const warning of warnings(response.headers.warning)) request.warn?.(warning);
          settle(response.statusCode ?? 0, Buffer.concat(chunks).toString(), resolve, reject);
        });
      });
      sent.end(body);
    });

  return {
    server: cluster.server,
    send: async (request) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await once(request);
        } catch (error) {
          request.signal?.throwIfAborted();
          if (error instanceof ApiError && error.http !== TOO_MANY) throw error;
          const lost = (error as NodeJS.ErrnoException).code === "ECONNRESET";
          // A connection that was kept open may be closed just as we use it; reading again is safe, writing is not.
          const again = error instanceof ApiError || (lost && request.method === "GET");
          if (!again || attempt >= ATTEMPTS) throw unreachable(cluster.server, error);
          await new Promise((done) => setTimeout(done, PAUSE_MS * attempt));
        }
      }
    },
  };
}

function settle(
  http: number,
  text: string,
  resolve: (body: PropertyMap) => void,
  reject: (error: Error) => void,
): void {
  const body = parseJson(text);
  if (http >= 200 && http < 300 && body !== undefined) {
    resolve(body);
    return;
  }
  const message = textAt(body, "message") || text.slice(0, 200).trim() || "no message";
  reject(new ApiError(http, textAt(body, "reason") || `HTTP ${http}`, message));
}

function parseJson(text: string): PropertyMap | undefined {
  try {
    const value = JSON.parse(text);
    return isMap(value) ? value : undefined;
  } catch {
    return undefined; // said with the status by the caller: a proxy's page is no JSON
  }
}

function unreachable(server: string, cause: unknown): ProviderError {
  if (cause instanceof ProviderError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new ProviderError(
    `configured Kubernetes cluster is unreachable: ${server}: ${message || code}. Nothing was changed or forgotten; ` +
      "check the server's address in the kubeconfig and that it runs, then run this again",
    { code: status.UNAVAILABLE, cause },
  );
}

/** The texts in `299 - "text", 299 - "text"`. */
const warnings = (header: string | string[] | undefined): readonly string[] =>
  [...String(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map(([, text = ""]) =>
    text.replaceAll(/\\(.)/g, "$1"),
  );

const MAX_SOCKETS = 32;
const SILENCE_LIMIT_MS = 65_000;
const ATTEMPTS = 5;
const PAUSE_MS = 200;
const TOO_MANY = 429;

const CODES: Readonly<Record<string, status>> = {
  AlreadyExists: status.ALREADY_EXISTS,
  NotFound: status.NOT_FOUND,
  Conflict: status.ABORTED,
  Forbidden: status.PERMISSION_DENIED,
  Unauthorized: status.UNAUTHENTICATED,
  Invalid: status.INVALID_ARGUMENT,
};
