/**
 * Starts two sign-in services of the lab, which issue tokens for the people of a test: TLS, discovery and keys are
 * real, people are not.
 */
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answers } from "../cluster/http-ready.ts";
import { type Certificates, ensureServingPair } from "../cluster/certificates.ts";
import type { Instance } from "../instance.ts";
import { startServer } from "../process/start.ts";

/** What a token says of somebody; whatever a test wants to claim. */
export type Claims = Readonly<Record<string, unknown>>;

export interface Issuer {
  readonly url: string;
  readonly audience: string;
  /** @returns a signed token that is good for ten minutes, unless the claims say otherwise */
  token(claims: Claims): string;
}

export interface Issuers {
  /** For people's command line. */
  readonly commandLine: Issuer;
  /** For the dashboard. */
  readonly dashboard: Issuer;
  /** PEM of the authority that signed the services' certificate. */
  readonly caPem: string;
}

export interface ServedIssuers {
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  readonly issuers: readonly { readonly path: string; readonly url: string; readonly publicKeyFile: string }[];
}

const PORT = 9443;

/** Starts both; what runs already stays. */
export async function startIssuers(instance: Instance, certs: Certificates): Promise<Issuers> {
  const dir = instance.path("oidc");
  const base = `https://${instance.address.lab}:${PORT}`;
  const names = ["command-line", "dashboard"];
  const serving = await ensureServingPair(dir, { name: "lab-oidc", address: instance.address.lab }, certs.ca);
  for (const name of names) await makeSigningKey(dir, name);
  const served: ServedIssuers = {
    port: PORT,
    certFile: serving.cert,
    keyFile: serving.key,
    issuers: names.map((name) => ({
      path: `/${name}`,
      url: `${base}/${name}`,
      publicKeyFile: join(dir, `${name}.pub.json`),
    })),
  };
  await writeFile(join(dir, "serve.json"), JSON.stringify(served, null, 2));
  const [commandLine, dashboard] = await Promise.all(names.map((name) => issuerOf(dir, name, `${base}/${name}`)));
  await startServer(instance, {
    name: "oidc",
    argv: [process.execPath, "--import", import.meta.resolve("tsx"), SERVE, join(dir, "serve.json")],
    reads: [SERVE],
    ready: () => answers(`${base}/dashboard/.well-known/openid-configuration`, { ca: certs.ca.cert }),
    withinMs: 30_000,
  });
  if (commandLine === undefined || dashboard === undefined) throw new Error("there are two issuers");
  return { commandLine, dashboard, caPem: await readFile(certs.ca.cert, "utf8") };
}

const SERVE = fileURLToPath(new URL("serve.ts", import.meta.url));

async function issuerOf(dir: string, name: string, url: string): Promise<Issuer> {
  const key = createPrivateKey(await readFile(join(dir, `${name}.key`)));
  return {
    url,
    audience: "kubernetes",
    token: (claims) => {
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: url, aud: "kubernetes", iat: now, nbf: now - 5, exp: now + 600, sub: "somebody", ...claims };
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
      const signed = `${part({ alg: "RS256", typ: "JWT", kid: name })}.${part(all)}`;
      return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
    },
  };
}

/** The key's public half is kept as the services publish it. */
async function makeSigningKey(dir: string, name: string): Promise<void> {
  if (await isThere(join(dir, `${name}.pub.json`))) return;
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(join(dir, `${name}.key`), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const jwk = { ...publicKey.export({ format: "jwk" }), kid: name, alg: "RS256", use: "sig" };
  await writeFile(join(dir, `${name}.pub.json`), JSON.stringify(jwk));
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
