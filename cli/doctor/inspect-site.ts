/**
 * Inspects everything that a stack's settings require, all of it at once. Whatever cannot be reached is a finding of its
 * own and keeps nothing else from being inspected. Nothing is changed anywhere.
 */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { openForge } from "../../clients/forgejo/client.ts";
import { ClientError } from "../../clients/client-error.ts";
import { type HttpRequest, send } from "../../clients/http/send.ts";
import { openKubernetes } from "../../clients/kubernetes/client.ts";
import { readKubeconfig } from "../../clients/kubernetes/kubeconfig.ts";
import { type Host, onHost } from "../../clients/ssh/run-command.ts";
import { addressesOf, inspectCertificate } from "../../clients/tls/inspect-certificate.ts";
import { openVault } from "../../clients/vault/client.ts";
import { caOf } from "../../config/ca-certificate.ts";
import { rosterOf } from "../../config/desired-state.ts";
import { Refusal } from "../../config/refusal.ts";
import { requiredSecret } from "../../config/required-secret.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { userMapFromVault } from "../../config/vault-user-map.ts";
import type { Row } from "../../roster/model.ts";
import { PROJECT } from "../pulumi.ts";
import { addressChecks, namedAddresses } from "./addresses.ts";
import { chatChecks } from "./chat.ts";
import { clockCheck } from "./clock.ts";
import { clusterChecks, hostsOfIngresses } from "./cluster.ts";
import { requiredRights, ROLE_FILE } from "./deployment-role.ts";
import { forgeChecks } from "./forge.ts";
import { hostChecks } from "./hosts.ts";
import { ingressSignInChecks } from "./ingress-sign-in.ts";
import { devicePageChecks, discoveryUrl, judgeIssuer } from "./issuer.ts";
import { mirrorChecks, mirrorTarget } from "./mirror.ts";
import { type Check, missing, ok, type Target } from "./model.ts";
import { controlPlaneNeeds, hostNeeds } from "./needs.ts";
import { vaultChecks } from "./vault.ts";

const TIMEOUT_MS = 15_000;
const PAUSE_MS = 300;
/** A request without a sign-in. */
const REQUEST = { method: "GET", headers: {}, timeoutMs: TIMEOUT_MS } as const;

/** The rows of the roster; undefined where it cannot be read. */
type People = Promise<readonly Row[] | undefined>;

/** @param webhook of the admins' chat, where the operator's environment has it */
export async function inspectSite(settings: StackSettings, webhook: string | undefined): Promise<readonly Check[]> {
  const roster = rosterOf(settings, { folder: PROJECT }).then(({ roster: { rows } }) => [...rows.values()]);
  // A roster that cannot be read is a finding of the configuration; the surfaces are then inspected without its people.
  const rows = roster.catch(() => undefined);
  const all = await Promise.all([
    configuration(settings, roster),
    ...settings.hosts.map((host) => hostOf(host, settings)),
    ...(settings.cluster?.apiServer?.controlPlanes ?? []).map((host) => controlPlaneOf(host, settings)),
    clusterOf(settings),
    vaultOf(settings, rows),
    forgeOf(settings, rows),
    issuerOf(settings),
    addressesOfSite(settings),
    mirrorOf(settings),
    ingressSignInChecks(settings.devvm, (url) => send({ ...REQUEST, url })),
    chatChecks(webhook, { addressesOf, inspectCertificate }, new Date()),
  ]);
  return all.flat();
}

/** What cannot be asked is one finding, in the client's own sentence, which holds no secret. */
async function guarded(
  target: Target,
  { what, expected, remedy }: Pick<Check, "what" | "expected" | "remedy">,
  inspect: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await inspect();
  } catch (cause) {
    if (!(cause instanceof ClientError || cause instanceof Refusal)) throw cause;
    // A command that changes something says so at the end of its refusal.
    const found = cause.message.replace(/\.?( Nothing was changed)?\.$/, "");
    return [missing(target, what, { found, expected, remedy })];
  }
}

/** The files that the settings name, as the program finds them. */
async function configuration(settings: StackSettings, rows: Promise<readonly Row[]>): Promise<readonly Check[]> {
  const { devvm, vault, forgejo } = settings;
  const files = [
    ["devvm.guidanceFile", devvm.guidanceFile],
    ["vault.caCertFile", vault?.caCertFile],
    ["forgejo.caCertFile", forgejo?.caCertFile],
    ["userMapFile", settings.userMapFile],
    ["adopt", settings.adopt],
  ] as const;
  const roster: Target = { surface: "configuration", where: settings.roster, who: "" };
  const people = await guarded(
    roster,
    { what: "roster", expected: "a roster without problems", remedy: `./ws check ${settings.roster}` },
    async () => [ok(roster, "roster", `${(await rows).length} people`)],
  );
  return [...people, ...files.flatMap(([setting, file]) => (file === undefined ? [] : [fileCheck(setting, file)]))];
}

function fileCheck(setting: string, file: string): Check {
  const target: Target = { surface: "configuration", where: file, who: "" };
  try {
    readFileSync(resolve(PROJECT, file));
    return ok(target, `file of ${setting}`, "can be read");
  } catch (cause) {
    return missing(target, `file of ${setting}`, {
      found: `it cannot be read (${(cause as NodeJS.ErrnoException).code})`,
      expected: "a file, relative to the project's folder",
      remedy: `create ${file}, or correct ${setting}`,
    });
  }
}

const hostOf = (host: Host, settings: StackSettings): Promise<readonly Check[]> =>
  hostChecks(host, hostNeeds(settings), (command) => onHost(settings, host, command));

const controlPlaneOf = (host: Host, { cluster }: StackSettings): Promise<readonly Check[]> =>
  hostChecks(host, controlPlaneNeeds, (command) =>
    onHost({ sshPrivateKey: cluster?.apiServer?.sshPrivateKey ?? "" }, host, command),
  );

async function clusterOf(settings: StackSettings): Promise<readonly Check[]> {
  const { cluster, kubeconfig } = settings;
  if (cluster === undefined) return [];
  const target: Target = { surface: "cluster", where: cluster.server, who: "" };
  const remedy = "pulumi config set --secret kubeconfig < FILE, and check that its server can be reached from here";
  return guarded(target, { what: "connection", expected: "an answer of the API server", remedy }, async () => {
    const text = requiredSecret(kubeconfig, "kubeconfig", "cluster");
    const { server, token: _, ...tls } = readKubeconfig(text);
    const required = requiredRights(readFileSync(resolve(PROJECT, ROLE_FILE), "utf8"));
    const checks = await clusterChecks(openKubernetes(text), server, settings, required);
    return [...checks, await clockOf(server, { ...REQUEST, url: new URL("/version", server), ...tls })];
  });
}

async function vaultOf(settings: StackSettings, roster: People): Promise<readonly Check[]> {
  const { vault, vaultToken, userMapFile } = settings;
  if (vault === undefined) return [];
  const target: Target = { surface: "vault", where: vault.address, who: "" };
  const remedy =
    "issue a periodic token with the policy of docs/vault.md, and: pulumi config set --secret vaultToken < FILE";
  const ca = authorityOf(settings, "vault");
  const tls = ca === undefined ? {} : { ca };
  const expected = "an answer of Vault to a token that is still valid";
  const rights = guarded(target, { what: "token", expected, remedy }, async () => {
    const token = requiredSecret(vaultToken, "vaultToken", "vault");
    const access = { address: vault.address, token, timeoutMs: TIMEOUT_MS, pauseMs: PAUSE_MS, ...tls };
    const hasNamespaces = (await roster)?.some(({ namespaces }) => namespaces.length > 0) ?? true;
    return vaultChecks(openVault(access), vault, { readsUserMap: userMapFile === undefined, hasNamespaces });
  });
  const map = guarded(target, { what: "user map", expected: "a map that can be read", remedy: USER_MAP }, async () => {
    const read = await userMapFromVault(settings, { ledger: undefined }, { preview: false, folder: PROJECT });
    return read?.isRead === true ? [ok(target, "user map", `version ${read.version}`)] : [];
  });
  const clock = guarded(target, { what: "clock", expected: "an answer of Vault", remedy }, async () => {
    const url = new URL(`${vault.address.replace(/\/+$/, "")}/v1/sys/health`);
    return [await clockOf(vault.address, { ...REQUEST, url, ...tls })];
  });
  return (await Promise.all([rights, map, clock])).flat();
}

const USER_MAP =
  "write the map into the secret that vault.kvMount and vault.userMap name, or set userMapFile to a file with it";

async function forgeOf(settings: StackSettings, roster: People): Promise<readonly Check[]> {
  const { forgejo, forgejoPassword, devvm } = settings;
  if (forgejo === undefined) return [];
  const url = forgejo.url ?? devvm.repositories.forgejo;
  const target: Target = { surface: "forge", where: url, who: forgejo.username };
  const remedy = "correct forgejo.username, and: pulumi config set --secret forgejoPassword";
  return guarded(target, { what: "sign-in", expected: "an answer to name and password", remedy }, async () => {
    const password = requiredSecret(forgejoPassword, "forgejoPassword", "forgejo");
    const ca = authorityOf(settings, "forgejo");
    const tls = ca === undefined ? {} : { ca };
    const access = { url, username: forgejo.username, password, timeoutMs: TIMEOUT_MS, pauseMs: PAUSE_MS, ...tls };
    return forgeChecks(openForge(access), url, devvm.repositories, (await roster) ?? []);
  });
}

async function issuerOf({ cluster }: StackSettings): Promise<readonly Check[]> {
  if (cluster === undefined) return [];
  const { issuer } = cluster.oidc;
  const ca = cluster.apiServer?.issuers.find(({ url }) => url === issuer)?.caPem;
  const tls = ca === undefined ? {} : { ca };
  const target: Target = { surface: "address", where: issuer, who: "" };
  const remedy = "correct cluster.oidc.issuer; docs/authentik.md says what the issuer needs";
  const get = (url: URL) => send({ ...REQUEST, url, ...tls });
  return guarded(target, { what: "issuer", expected: "its discovery document", remedy }, async () => {
    const document = await get(discoveryUrl(issuer));
    const page = { what: "device page", expected: "an answer of the issuer", remedy };
    const onPage = await guarded(target, page, () => devicePageChecks(cluster.oidc, document, get));
    return [...judgeIssuer(cluster.oidc, document), ...onPage];
  });
}

async function addressesOfSite(settings: StackSettings): Promise<readonly Check[]> {
  const authorities = { vault: authorityOf(settings, "vault"), forge: authorityOf(settings, "forgejo") };
  const lookups = { addressesOf, inspectCertificate };
  return addressChecks(namedAddresses(settings, authorities), new Date(), lookups, await servedHosts(settings));
}

/** The hosts of the cluster's Ingresses. Of a cluster that cannot be asked none is known, which is a finding of the cluster. */
async function servedHosts({ cluster, kubeconfig }: StackSettings): Promise<ReadonlySet<string>> {
  if (cluster === undefined || kubeconfig === undefined) return new Set();
  try {
    return await hostsOfIngresses(openKubernetes(kubeconfig));
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    return new Set();
  }
}

/** The forge itself may serve the mirror, with its own authority. */
async function mirrorOf(settings: StackSettings): Promise<readonly Check[]> {
  const { repositories } = settings.devvm;
  const isOnForge = new URL(repositories.infraMirror).origin === new URL(repositories.forgejo).origin;
  const ca = isOnForge ? authorityOf(settings, "forgejo") : undefined;
  const tls = ca === undefined ? {} : { ca };
  const remedy = "start what serves it, or correct devvm.repositories.infraMirror (docs/getting-started.md)";
  const unanswered = { what: "mirror", expected: "an answer to a clone without a login", remedy };
  return guarded(mirrorTarget(repositories), unanswered, () =>
    mirrorChecks(repositories, (url) => send({ ...REQUEST, url, ...tls })),
  );
}

/** The authority of a server's certificate. A file that cannot be read is a finding of the configuration, and none here. */
function authorityOf(settings: StackSettings, section: "vault" | "forgejo"): string | undefined {
  try {
    return caOf(settings[section] ?? {}, PROJECT, section).caCert;
  } catch (cause) {
    if (cause instanceof Refusal) return undefined;
    throw cause;
  }
}

/** By the `Date` of any answer. @throws HttpFailure where none comes */
async function clockOf(where: string, request: HttpRequest): Promise<Check> {
  const sentMs = Date.now();
  const { headers } = await send(request);
  const theirs = Date.parse(headers.get("date") ?? "");
  return clockCheck({ surface: "clock", where, who: "" }, theirs, { sentMs, answeredMs: Date.now() });
}
