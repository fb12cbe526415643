/** Reads the API server's address and the client's credentials from a kubeconfig. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { ProviderError } from "../../../providers/runtime/errors.ts";

/** One API server and one identity. */
export interface Cluster {
  /** Without a trailing slash: `https://10.213.1.2:6443`. */
  readonly server: string;
  /** PEM. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly insecure: boolean;
  readonly serverName: string | undefined;
  /** The namespace of the context, if it names one. */
  readonly namespace: string | undefined;
}

const text = z.string().optional();

const kubeconfig = z.object({
  "current-context": text,
  contexts: z.array(
    z.object({ name: z.string(), context: z.object({ cluster: z.string(), user: text, namespace: text }) }),
  ),
  clusters: z.array(
    z.object({
      name: z.string(),
      cluster: z.object({
        server: z.string(),
        "certificate-authority": text,
        "certificate-authority-data": text,
        "insecure-skip-tls-verify": z.boolean().optional(),
        "tls-server-name": text,
      }),
    }),
  ),
  users: z
    .array(
      z.object({
        name: z.string(),
        user: z.object({
          token: text,
          tokenFile: text,
          "client-certificate": text,
          "client-certificate-data": text,
          "client-key": text,
          "client-key-data": text,
          exec: z.unknown().optional(),
          "auth-provider": z.unknown().optional(),
        }),
      }),
    )
    .default([]),
});

/** `given` is the content of a kubeconfig, a path to one, or nothing for `$KUBECONFIG` and the user's own file. */
export async function readCluster(given: string | undefined, contextName: string | undefined): Promise<Cluster> {
  const { content, path } = await contentOf(given ?? process.env.KUBECONFIG ?? "");
  const shown = path ?? "the kubeconfig";
  const parsed = kubeconfig.safeParse(parseYaml(content, shown));
  if (!parsed.success)
    throw refuse(shown, `${parsed.error.issues[0]?.path.join(".")}: ${parsed.error.issues[0]?.message}`);
  const config = parsed.data;
  const wanted = contextName ?? config["current-context"] ?? "";
  const context = config.contexts.find(({ name }) => name === wanted)?.context;
  if (context === undefined) {
    throw refuse(
      shown,
      `no context "${wanted}"; there are ${config.contexts.map(({ name }) => name).join(", ") || "none"}`,
    );
  }
  const cluster = config.clusters.find(({ name }) => name === context.cluster)?.cluster;
  if (cluster === undefined)
    throw refuse(shown, `the context "${wanted}" names no cluster of the file: "${context.cluster}"`);
  const user = config.users.find(({ name }) => name === context.user)?.user ?? {};
  if ("exec" in user || "auth-provider" in user) {
    throw refuse(
      shown,
      "users that log in through a program are for the official plugin; give a certificate or a token",
    );
  }
  const load = (data: string | undefined, file: string | undefined): Promise<string | undefined> =>
    loadPart(data, file, path === undefined ? process.cwd() : dirname(path), shown);
  return {
    server: cluster.server.replace(/\/+$/, ""),
    ca: await load(cluster["certificate-authority-data"], cluster["certificate-authority"]),
    cert: await load(user["client-certificate-data"], user["client-certificate"]),
    key: await load(user["client-key-data"], user["client-key"]),
    token: user.token ?? (await load(undefined, user.tokenFile))?.trim(),
    insecure: cluster["insecure-skip-tls-verify"] ?? false,
    serverName: cluster["tls-server-name"],
    namespace: context.namespace,
  };
}

async function contentOf(given: string): Promise<{ readonly content: string; readonly path?: string }> {
  if (given.includes("\n") || given.trimStart().startsWith("{")) return { content: given };
  const path = given === "" ? resolve(homedir(), ".kube/config") : given.replace(/^~(?=\/)/, homedir());
  const content = await readFile(path, "utf8").catch((error: Error) => {
    throw refuse(path, error.message);
  });
  return { content, path };
}

function parseYaml(content: string, shown: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    // The parser quotes the line, which may hold a key: only its position is passed on.
    const line = (error as { readonly linePos?: readonly { readonly line: number }[] }).linePos?.[0]?.line;
    throw refuse(shown, `no YAML${line === undefined ? "" : ` (line ${line})`}`);
  }
}

async function loadPart(
  data: string | undefined,
  file: string | undefined,
  folder: string,
  shown: string,
): Promise<string | undefined> {
  if (data !== undefined) return Buffer.from(data, "base64").toString();
  if (file === undefined) return undefined;
  return readFile(resolve(folder, file), "utf8").catch((error: Error) => {
    throw refuse(shown, error.message);
  });
}

const refuse = (where: string, what: string): ProviderError =>
  new ProviderError(`${where}: ${what}. Set kubeconfig of the provider (kubernetes:kubeconfig), or KUBECONFIG`);
