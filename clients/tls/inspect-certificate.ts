/** Looks up a server's name and inspects its certificate. Sends nothing but the handshake. */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { checkServerIdentity, connect } from "node:tls";
import { ClientError } from "../client-error.ts";

export interface TlsServer {
  readonly host: string;
  readonly port: number;
  /** PEM of the authority that the certificate must come from; the machine's own list where absent. */
  readonly ca?: string | Buffer;
  /** The name that the certificate must bear, where it is another one than the host's. */
  readonly serverName?: string;
}

export interface InspectedCertificate {
  readonly validFrom: Date;
  readonly validTo: Date;
  /** Why it is not trusted; undefined where it is, or where only its dates are wrong. */
  readonly distrust: string | undefined;
  /** Why it does not belong to the name; undefined where it does. */
  readonly otherName: string | undefined;
}

/** The server cannot be inspected. */
export class TlsFailure extends ClientError {
  override readonly name = "TlsFailure";
}

/** The addresses of a name; an address is its own. @throws TlsFailure where the name is not known */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new TlsFailure(`the name cannot be looked up (${(cause as NodeJS.ErrnoException).code ?? "no answer"})`, {
      cause,
    });
  }
}

const TIMEOUT_MS = 10_000;

/** A certificate that is wrong in any way is returned all the same. @throws TlsFailure where there is no handshake */
export function inspectCertificate({ host, port, ca, serverName = host }: TlsServer): Promise<InspectedCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...{ host, port, rejectUnauthorized: false },
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      ...(ca === undefined ? {} : { ca }),
    });
    const fail = (why: string, cause?: Error) => {
      socket.destroy();
      reject(new TlsFailure(why, { cause }));
    };
    socket.setTimeout(TIMEOUT_MS, () => fail(`no handshake within ${TIMEOUT_MS / 1000} s`));
    socket.on("error", (cause: NodeJS.ErrnoException) =>
      fail(cause.code === "ECONNREFUSED" ? "nothing listens there (connection refused)" : cause.message, cause),
    );
    socket.on("secureConnect", () => {
      const certificate = socket.getPeerCertificate();
      // TypeScript takes it for an Error; node gives the error's code.
      const why = socket.authorized ? undefined : String(socket.authorizationError);
      socket.end();
      resolve({
        validFrom: new Date(certificate.valid_from),
        validTo: new Date(certificate.valid_to),
        distrust: why === undefined || NOT_OF_TRUST.test(why) ? undefined : why,
        otherName: checkServerIdentity(serverName, certificate)?.message,
      });
    });
  });
}

/** What the dates and the name say by themselves. */
const NOT_OF_TRUST = /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID/;
