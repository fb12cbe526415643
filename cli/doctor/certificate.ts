/** Judges a server's certificate: its name, its authority and its dates, each with a remedy of its own. */

import type { InspectedCertificate } from "../../clients/tls/inspect-certificate.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

const DAY_MS = 86_400_000;
/** An authority that renews by itself does so earlier. */
const FEWEST_DAYS = 14;

/** Pure. @param setting the one that names the server */
export function judgeCertificate(
  target: Target,
  setting: string,
  { validFrom, validTo, distrust, otherName }: InspectedCertificate,
  now: Date,
): readonly Check[] {
  const days = Math.floor((validTo.getTime() - now.getTime()) / DAY_MS);
  const ends = validTo.toISOString().slice(0, 10);
  const host = new URL(target.where).hostname;
  const wrong: Pick<Check, "found" | "expected" | "remedy">[] = [];
  if (otherName !== undefined)
    wrong.push({
      found: otherName,
      expected: `a certificate for ${host}`,
      remedy: `${nameRemedy(setting, host)}, or correct ${setting}`,
    });
  if (distrust !== undefined)
    wrong.push({
      found: `it is not trusted here (${distrust})`,
      expected: "a certificate of an authority that this machine trusts",
      remedy: trustRemedy(setting),
    });
  if (validFrom > now)
    wrong.push({
      found: `it is valid from ${validFrom.toISOString()} only`,
      expected: "a certificate that is valid now",
      remedy: "compare the clock of this machine with that of the authority",
    });
  if (days < FEWEST_DAYS)
    wrong.push({
      found: days < 0 ? `it expired on ${ends}` : `it expires on ${ends}, in ${days} days`,
      expected: `a certificate that is valid for ${FEWEST_DAYS} days or more`,
      remedy: `renew the certificate of the server that ${setting} names`,
    });
  if (wrong.length === 0) return [ok(target, "certificate", `valid until ${ends}`)];
  return wrong.map((finding) => missing(target, "certificate", finding));
}

function nameRemedy(setting: string, host: string): string {
  const secret = TLS_SECRETS.get(setting);
  if (secret === undefined) return `give the server a certificate for ${host}`;
  return `name a Secret with a certificate for ${host} in ${secret}`;
}

const TLS_SECRETS: ReadonlyMap<string, string> = new Map([
  ["cluster.dashboard.ingress.host", "cluster.dashboard.ingress.tlsSecret"],
  ["stem95su.host", "stem95su.tlsSecret"],
]);

/** A server of a public authority that is not trusted sends no intermediate certificates. */
function trustRemedy(setting: string): string {
  if (setting === "cluster.server") return "correct cluster.caData: it must be the authority of this certificate";
  const own = /^(vault|forgejo)\./.exec(setting)?.[1];
  if (own !== undefined)
    return `put the authority's certificate into a file and name it in ${own}.caCertFile, or use a certificate of a public one`;
  return (
    "where the authority is your own, name its certificate in NODE_EXTRA_CA_CERTS here, and put it into each host's trust list " +
    "(docs/getting-started.md); where it is a public one, have the server send its whole chain"
  );
}
