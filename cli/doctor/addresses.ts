/** Lists the addresses that the settings name, and judges what stands behind each: name, certificate and issuer. */

import { z } from "zod";
import { ClientError } from "../../clients/client-error.ts";
import type { HttpReply } from "../../clients/http/send.ts";
import { parseJson } from "../../clients/parse-json.ts";
import type { InspectedCertificate, TlsServer } from "../../clients/tls/inspect-certificate.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

export interface NamedAddress {
  /** The setting that names it. */
  readonly setting: string;
  readonly url: URL;
  /** PEM of the authority that the settings name for it. */
  readonly ca?: string | Buffer;
}

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
    if (!byOrigin.has(url.origin)) byOrigin.set(url.origin, { setting, url, ...(ca === undefined ? {} : { ca }) });
  }
  return [...byOrigin.values()];
}

export interface Lookups {
  readonly addressesOf: (host: string) => Promise<readonly string[]>;
  readonly inspectCertificate: (server: TlsServer) => Promise<InspectedCertificate>;
}

/** A name that is not known and a server that does not answer are findings. */
export async function addressChecks(
  addresses: readonly NamedAddress[],
  now: Date,
  lookups: Lookups,
): Promise<readonly Check[]> {
  return (await mapConcurrently(addresses, (address) => oneAddress(address, now, lookups))).flat();
}

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

const DAY_MS = 86_400_000;
/** An authority that renews by itself does so earlier. */
const FEWEST_DAYS = 14;

/** Pure. */
export function judgeCertificate(
  target: Target,
  setting: string,
  { validFrom, validTo, distrust, otherName }: InspectedCertificate,
  now: Date,
): readonly Check[] {
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
  const ends = validTo.toISOString().slice(0, 10);
  const wrong = [
    ...(otherName === undefined
      ? []
      : [{ found: otherName, expected: `a certificate for ${new URL(target.where).hostname}` }]),
    ...(distrust === undefined
      ? []
      : [
          {
            found: `it is not trusted here (${distrust})`,
            expected: "a certificate of an authority that this machine trusts",
          },
        ]),
    ...(validFrom > now
      ? [{ found: `it is valid from ${validFrom.toISOString()} only`, expected: "a certificate that is valid now" }]
      : []),
    ...(days < FEWEST_DAYS
      ? [
          {
            found: days < 0 ? `it expired on ${ends}` : `it expires on ${ends}, in ${days} days`,
            expected: `a certificate that is valid for ${FEWEST_DAYS} days or more`,
          },
        ]
      : []),
  ];
  if (wrong.length === 0) return [ok(target, "certificate", `valid until ${ends}`)];
  return wrong.map((finding) =>
    missing(target, "certificate", { ...finding, remedy: remedyOf(setting, finding.found) }),
  );
}

function remedyOf(setting: string, found: string): string {
  const own = /^(vault|forgejo)\./.exec(setting)?.[1];
  if (found.startsWith("it is not trusted") && own !== undefined)
    return `put the authority's certificate into a file and name it in ${own}.caCertFile, or use a certificate of a public one`;
  return `renew the certificate of the server that ${setting} names, or correct ${setting}`;
}

const discovery = z.object({ issuer: z.string(), device_authorization_endpoint: z.string().optional() });

/** Pure. Judges the discovery document of the issuer by which people's kubectl signs in. */
export function judgeIssuer(
  { issuer, grant }: NonNullable<StackSettings["cluster"]>["oidc"],
  { status, text }: Pick<HttpReply, "status" | "text">,
): readonly Check[] {
  const target: Target = { surface: "address", where: issuer, who: "" };
  const parsed = discovery.safeParse(parseJson(text));
  if (status !== 200 || !parsed.success) {
    return [
      missing(target, "issuer", {
        found: `no discovery document (status ${status})`,
        expected: "the document at .well-known/openid-configuration below the issuer",
        remedy: "correct cluster.oidc.issuer; docs/authentik.md says what the issuer needs",
      }),
    ];
  }
  const named = parsed.data.issuer;
  return [
    named === issuer
      ? ok(target, "issuer", "names itself as the settings do")
      : missing(target, "issuer", {
          found: `it calls itself ${named}`,
          expected: `${issuer}, letter by letter: kubelogin and the API server refuse tokens of another issuer`,
          remedy: `pulumi config set --path cluster.oidc.issuer ${named}`,
        }),
    ...(grant === "device-code" && parsed.data.device_authorization_endpoint === undefined
      ? [
          missing(target, "grant", {
            found: "it offers no device code",
            expected: "a device_authorization_endpoint, since cluster.oidc.grant is device-code",
            remedy:
              "switch the grant on at the issuer (docs/authentik.md), or set cluster.oidc.grant to authcode-keyboard and cluster.oidc.redirectUrl to http://localhost",
          }),
        ]
      : [ok(target, "grant", grant)]),
  ];
}

/** The address of an issuer's discovery document. */
export const discoveryUrl = (issuer: string): URL =>
  new URL(`${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`);
