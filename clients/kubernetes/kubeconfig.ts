/** Reads a kubeconfig: the address of the API server and the credentials of its current context. */

import { readFileSync } from "node:fs";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { ClientError } from "../client-error.ts";

/** The cluster could not be asked, and is not taken for an empty one. */
export class KubernetesError extends ClientError {
  override readonly name = "KubernetesError";
}

/** How the API server is reached. Holds secrets. */
export interface ApiServerAccess {
  readonly server: string;
  readonly ca?: Buffer;
  readonly serverName?: string;
  readonly token?: string;
  readonly clientCertificate?: { readonly cert: Buffer; readonly key: Buffer | undefined };
}

const kubeconfig = z.object({
  "current-context": z.string(),
  contexts: z.array(z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: z.string() }) })),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        "certificate-authority-data": z.string().optional(),
        "certificate-authority": z.string().optional(),
        "tls-server-name": z.string().optional(),
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: z.string(),
      user: z.object({
        token: z.string().optional(),
        "client-certificate-data": z.string().optional(),
        "client-certificate": z.string().optional(),
        "client-key-data": z.string().optional(),
        "client-key": z.string().optional(),
      }),
    }),
  ),
});

/**
 * @param text a kubeconfig with a token or a client certificate
 * @throws KubernetesError for one that holds neither: nothing of its content is repeated
 */
export function readKubeconfig(text: string): ApiServerAccess {
  const parsed = kubeconfig.safeParse(yamlOrNothing(text));
  if (!parsed.success) throw new KubernetesError("workstation:kubeconfig is not a kubeconfig");
  const { contexts, clusters, users, "current-context": current } = parsed.data;
  const context = contexts.find(({ name }) => name === current)?.context;
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster;
  const user = users.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined)
    throw new KubernetesError("workstation:kubeconfig names no cluster or no user");
  // A token that travels in the clear is everybody's on the way.
  if (!/^https:\/\//i.test(cluster.server))
    throw new KubernetesError("workstation:kubeconfig must name the API server by an address with https://");
  const cert = bytes(user["client-certificate-data"], user["client-certificate"]);
  if (user.token === undefined && cert === undefined)
    throw new KubernetesError("workstation:kubeconfig holds neither a token nor a client certificate");
  const ca = bytes(cluster["certificate-authority-data"], cluster["certificate-authority"]);
  const { "tls-server-name": serverName } = cluster;
  return {
    server: cluster.server,
    ...(ca === undefined ? {} : { ca }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(user.token ? { token: user.token } : {}),
    ...(cert === undefined
      ? {}
      : { clientCertificate: { cert, key: bytes(user["client-key-data"], user["client-key"]) } }),
  };
}

/** The parser's own error would quote the text, and the text is secret. */
function yamlOrNothing(text: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    if (cause instanceof YAMLParseError) return undefined;
    throw cause;
  }
}

function bytes(data: string | undefined, file: string | undefined): Buffer | undefined {
  if (data !== undefined) return Buffer.from(data, "base64");
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new KubernetesError(
      `workstation:kubeconfig names the file ${file}, which cannot be read (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
}
