/** Serves discovery and keys of the lab's issuers; what `startIssuers` runs inside the lab's network. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { ServedIssuers } from "./issuers.ts";

const served = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as ServedIssuers;

const pages = new Map<string, string>(
  served.issuers.flatMap(({ path, url, publicKeyFile }): [string, string][] => [
    [`${path}/keys`, JSON.stringify({ keys: [JSON.parse(readFileSync(publicKeyFile, "utf8"))] })],
    [
      `${path}/.well-known/openid-configuration`,
      JSON.stringify({
        issuer: url,
        jwks_uri: `${url}/keys`,
        authorization_endpoint: `${url}/authorize`,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
      }),
    ],
  ]),
);

createServer({ cert: readFileSync(served.certFile), key: readFileSync(served.keyFile) }, (request, response) => {
  const page = pages.get(request.url ?? "");
  // As an ingress answers that asks authentik first.
  if (request.url === "/") return void response.writeHead(302, { location: "/outpost.goauthentik.io/start" }).end();
  response.writeHead(page === undefined ? 404 : 200, { "content-type": "application/json" }).end(page ?? "{}");
}).listen(served.port);
