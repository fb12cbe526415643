/**
 * Makes a throw-away certificate authority and the certificates that it signs; node itself cannot issue X.509, so
 * openssl does.
 */
import { access, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../instance.ts";
import { run } from "../run.ts";

/** Paths of a certificate and its key, both PEM, the key readable by root alone. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  readonly ca: Pair;
  readonly apiServer: Pair;
  readonly kubeletServing: Pair;
  /** Signs service account tokens; no certificate belongs to it. */
  readonly accountKey: string;
  readonly clients: Readonly<Record<Client, Pair>>;
}

export type Client = keyof typeof CLIENTS;

/** Who the lab's own clients are to the API server: user name and group. */
const CLIENTS = {
  admin: { user: "lab-admin", group: "system:masters" },
  "controller-manager": { user: "system:kube-controller-manager", group: "" },
  scheduler: { user: "system:kube-scheduler", group: "" },
  "kube-proxy": { user: "system:kube-proxy", group: "" },
  kubelet: { user: "system:node:lab", group: "system:nodes" },
  "kubelet-client": { user: "lab-api-server", group: "system:masters" },
} as const;

/** The certificates of an instance, made when they are not there: all of them, or none when it is interrupted. */
export async function ensureCertificates(instance: Instance): Promise<Certificates> {
  const dir = instance.path("certificates");
  if (!(await isThere(dir))) {
    await rm(`${dir}.new`, { recursive: true, force: true });
    await mkdir(`${dir}.new`, { mode: 0o700 });
    await makeAll(`${dir}.new`, instance);
    await rename(`${dir}.new`, dir);
  }
  const clients = Object.fromEntries(Object.keys(CLIENTS).map((name) => [name, pair(dir, name)]));
  return {
    ca: pair(dir, "ca"),
    apiServer: pair(dir, "api-server"),
    kubeletServing: pair(dir, "kubelet-serving"),
    accountKey: join(dir, "accounts.key"),
    clients: clients as Record<Client, Pair>,
  };
}

/**
 * A certificate for a server at one address, in a folder of its own; made when it is not there. The key is written
 * first, so a certificate that is there has its key.
 */
export async function ensureServingPair(
  dir: string,
  server: { readonly name: string; readonly address: string },
  ca: Pair,
): Promise<Pair> {
  const serving = pair(dir, "serving");
  await mkdir(dir, { recursive: true, mode: 0o700 });
  if (!(await isThere(serving.cert))) await issue(serving, `/CN=${server.name}`, servingAt([server.address]), ca);
  return serving;
}

const pair = (dir: string, name: string): Pair => ({ cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) });

async function makeAll(dir: string, instance: Instance): Promise<void> {
  const ca = pair(dir, "ca");
  await makeKey(ca.key);
  const usage = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
  await run([
    "openssl",
    "req",
    "-x509",
    "-new",
    "-key",
    ca.key,
    "-out",
    ca.cert,
    "-subj",
    "/CN=lab-ca",
    "-days",
    DAYS,
    ...usage,
  ]);
  await makeKey(join(dir, "accounts.key"));
  const names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];
  const own = ["localhost", "127.0.0.1", instance.address.lab];
  await sign(dir, "api-server", "/CN=kube-apiserver", servingAt([...names, ...own, SERVICE_ADDRESS]));
  await sign(dir, "kubelet-serving", "/CN=system:node:lab", servingAt(["lab", ...own]));
  for (const [name, { user, group }] of Object.entries(CLIENTS)) {
    await sign(dir, name, `${group === "" ? "" : `/O=${group}`}/CN=${user}`, "extendedKeyUsage=clientAuth");
  }
}

const sign = (dir: string, name: string, subject: string, extensions: string): Promise<void> =>
  issue(pair(dir, name), subject, extensions, pair(dir, "ca"));

async function issue({ cert, key }: Pair, subject: string, extensions: string, ca: Pair): Promise<void> {
  await makeKey(key);
  const request = `${cert}.csr`;
  await run(["openssl", "req", "-new", "-key", key, "-subj", subject, "-out", request]);
  const extensionFile = `${cert}.extensions`;
  await writeFile(extensionFile, `keyUsage=critical,digitalSignature\n${extensions}\n`);
  const signer = ["-CA", ca.cert, "-CAkey", ca.key, "-days", DAYS, "-out", `${cert}.new`];
  await run(["openssl", "x509", "-req", "-in", request, ...signer, "-extfile", extensionFile]);
  await rename(`${cert}.new`, cert);
  await Promise.all([request, extensionFile].map((file) => rm(file)));
}

const makeKey = (path: string) => run(["openssl", "ecparam", "-genkey", "-noout", "-name", "prime256v1", "-out", path]);

const servingAt = (names: readonly string[]): string => {
  const entries = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`));
  return `extendedKeyUsage=serverAuth\nsubjectAltName=${entries.join(",")}`;
};

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A lab that lives longer is made anew. */
const DAYS = "365";
/** The first address of the service range, which the API server takes for itself. */
const SERVICE_ADDRESS = "10.215.0.1";
