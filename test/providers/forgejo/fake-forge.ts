/** Serves a made-up forge on loopback and drives the provider against it. */

import { forgejoProvider } from "../../../providers/forgejo/provider.ts";
import { Secret } from "../../../providers/runtime/property-values.ts";
import { type Reply, startHttpServer } from "../../clients/http-server.ts";
import { drive, type Driven } from "../../e2e/fixtures/resource-lifecycle.ts";

export interface FakeForge {
  readonly provider: Driven;
  /** `METHOD path` of every request so far that changes something, in their order. */
  writes(): readonly string[];
  end(): Promise<void>;
}

/** What the repository `ops/infra` of every such forge is called by its API. */
export const REPOSITORY = "/repos/ops/infra";

/**
 * @param reply to a request by its path below `/api/v1`, with its query; undefined for what the forge does not know. The
 * repository, the version and the administrator are there already.
 */
export async function fakeForge(
  reply: (method: string, path: string, sent: unknown) => Reply | undefined,
): Promise<FakeForge> {
  const server = await startHttpServer((method, url, sent) => {
    const path = url.replace("/api/v1", "");
    const known = method === "GET" ? COMMON.get(path) : undefined;
    const notFound = { status: 404, body: { message: "not found" } };
    return reply(method, path, sent) ?? (known === undefined ? notFound : { status: 200, body: known });
  });
  return {
    provider: await drive(forgejoProvider(), {
      url: server.address,
      ...{ username: "root", password: new Secret("password-of-root"), timeoutSeconds: "5", pauseMs: "1" },
    }),
    writes: () => server.asked.filter((one) => !one.startsWith("GET ")).map((one) => one.replace("/api/v1", "")),
    end: () => server.stop(),
  };
}

const COMMON: ReadonlyMap<string, object> = new Map([
  ["/user", { login: "root" }],
  ["/version", { version: "1.22.6" }],
  [REPOSITORY, { full_name: "ops/infra" }],
]);
