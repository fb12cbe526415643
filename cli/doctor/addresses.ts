/** Lists the addresses that the settings name, and checks each: its name, the connection and the certificate. */

import { ClientError } from "../../clients/client-error.ts";
import type { InspectedCertificate, TlsServer } from "../../clients/tls/inspect-certificate.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { judgeCertificate } from "./certificate.ts";
import { type Check, missing, ok, type Target, untried } from "./model.ts";

export interface NamedAddress {
  /** The setting that names it. */
  readonly setting: string;
  readonly url: URL;
  /** PEM of the authority that the settings name for it. */
  readonly ca?: string | Buffer;
  /** Its Ingress is one that the program declares. */
  readonly isDeclared: boolean;
}

/** Settings whose hosts get their Ingress, and with it their certificate, from the deployment. */
const DECLARED: ReadonlySet<string> = new Set(["cluster.dashboard.ingress.host", "stem95su.host"]);

/** PEM of the authorities that the settings name for servers of their own. */
export interface Authorities {
  readonly vault?: string | undefined;
  readonly forge?: string | undefined;
}

/** Every address that people's browsers or this program reach, each once. */
export function namedAddresses(settings: StackSettings, authorities: Authorities): readonly NamedAddress[] {
  const { cluster, devvm, forgejo, stem95su, vault } = settings;
  const { repositories } = devvm;
  const forge = forgejo?.url ?? repositories.forgejo;
  const dashboard = cluster?.dashboard;
  const issuerCa = cluster?.apiServer?.issuers.find(({ url }) => url === cluster.oidc.issuer)?.caPem;
  const all: readonly (readonly [setting: string, url: string | undefined, ca?: string | Buffer | undefined])[] = [
    ["cluster.server", cluster?.server, cluster === undefined ? undefined : Buffer.from(cluster.caData, "base64")],
    ["cluster.oidc.issuer", cluster?.oidc.issuer, issuerCa],
    ...(cluster?.apiServer?.issuers ?? []).map(
      ({ url, caPem }, at) => [`cluster.apiServer.issuers[${at}].url`, url, caPem] as const,
    ),
    ["cluster.dashboard.ingress.host", dashboard && `https://${dashboard.ingress.host}`],
    ["cluster.dashboard.browserOrigin", dashboard?.browserOrigin],
    ["vault.address", vault?.address, authorities.vault],
    ["forgejo.url", forgejo && forge, authorities.forge],
    ["devvm.repositories.forgejo", repositories.forgejo, authorities.forge],
    ["devvm.repositories.infraMirror", repositories.infraMirror],
    ["devvm.gate.origin", devvm.gate?.origin],
    ["devvm.lobby.origin", devvm.lobby?.origin],
    ["devvm.lobby.codeServer", devvm.lobby?.codeServer],
    ["stem95su.host", stem95su && `https://${stem95su.host}`],
  ];
  const byOrigin = new Map<string, NamedAddress>();
  for (const [setting, text, ca] of all) {
    if (text === undefined) continue;
    const url = new URL(text);
    const address = { setting, url, isDeclared: DECLARED.has(setting), ...(ca === undefined ? {} : { ca }) };
    if (!byOrigin.has(url.origin)) byOrigin.set(url.origin, address);
  }
  return [...byOrigin.values()];
}

export interface Lookups {
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly inspectCertificate: (server: TlsServer) => Promise<InspectedCertificate>;
}

/**
 * A name that is not known and a server that does not answer are findings, but for a host whose Ingress is yet to be deployed.
 * @param served hosts that have an Ingress in the cluster
 */
export async function addressChecks(
  addresses: readonly NamedAddress[],
  now: Date,
  lookups: Lookups,
  served: ReadonlySet<string> = new Set(),
): Promise<readonly Check[]> {
  const checks = await mapConcurrently(addresses, async (address) => {
    const found = await oneAddress(address, now, lookups);
    return address.isDeclared && !served.has(address.url.hostname) ? found.map(beforeDeployment) : found;
  });
  return checks.flat();
}

const beforeDeployment = (check: Check): Check =>
  check.state === "missing"
    ? untried(check, check.what, check.found, "the deployment makes its Ingress: ./ws doctor again after it")
    : check;

async function oneAddress(
  { setting, url, ca }: NamedAddress,
  now: Date,
  { addressesOf, inspectCertificate }: Lookups,
): Promise<readonly Check[]> {
  const target: Target = { surface: "address", where: url.origin, who: "" };
  // An IPv6 address stands in brackets in a URL.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  try {
    const found = await addressesOf(host);
    const name = ok(target, "name", found.join(", "));
    if (url.protocol !== "https:") return [name];
    const server = { host, port: Number(url.port || 443), ...(ca === undefined ? {} : { ca }) };
    return [name, ...judgeCertificate(target, setting, await inspectCertificate(server), now)];
  } catch (cause) {
    if (!(cause instanceof ClientError)) throw cause;
    return [
      missing(target, "connection", {
        found: cause.message,
        expected: `a server at the address that ${setting} names`,
        remedy: `make a DNS record for ${host} and start what serves it, or correct ${setting}`,
      }),
    ];
  }
}
