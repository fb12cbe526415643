/** Judges the issuer by which people's kubectl signs in: its discovery document and the grant. */

import { z } from "zod";
import type { HttpReply } from "../../clients/http/send.ts";
import { parseJson } from "../../clients/parse-json.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Check, missing, ok, type Target } from "./model.ts";

type Oidc = NonNullable<StackSettings["cluster"]>["oidc"];
type Reply = Pick<HttpReply, "status" | "text">;

const discovery = z.object({ issuer: z.string(), device_authorization_endpoint: z.string().optional() });

/** Pure. Judges the discovery document of the issuer by which people's kubectl signs in. */
export function judgeIssuer({ issuer, grant }: Oidc, { status, text }: Reply): readonly Check[] {
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
