/** Judges the issuer by which people's kubectl signs in: its discovery document, the grant, and the page for device codes. */

import { z } from "zod";
import type { HttpReply } from "../../clients/http/send.ts";
import { parseJson } from "../../clients/parse-json.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { type Check, missing, ok, type Target, untried } from "./model.ts";

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
      : [ok(target, "grant", grant === "device-code" ? "device-code, by its discovery document" : grant)]),
  ];
}

/** The address of an issuer's discovery document. */
export const discoveryUrl = (issuer: string): URL =>
  new URL(`${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`);

/**
 * Looks at the page on which people enter or confirm their device codes: authentik offers the grant in its discovery document
 * whether or not it has that page. A request for a code would begin a sign-in, so none is sent.
 */
export async function devicePageChecks(
  { issuer, grant }: Oidc,
  { text }: Reply,
  get: (url: URL) => Promise<Pick<HttpReply, "status">>,
): Promise<readonly Check[]> {
  const endpoint = discovery.safeParse(parseJson(text)).data?.device_authorization_endpoint;
  if (grant !== "device-code" || endpoint === undefined) return [];
  const page = devicePageOf(endpoint);
  if (page === undefined) {
    const target: Target = { surface: "address", where: issuer, who: "" };
    return [
      untried(
        target,
        "device page",
        `only an answer of ${endpoint} names it, and would begin a sign-in`,
        "sign in once with kubectl on a host after the first deployment",
      ),
    ];
  }
  const target: Target = { surface: "address", where: page.href, who: "" };
  const { status } = await get(page);
  if (status === 200) return [ok(target, "device page", "there")];
  // authentik sends everybody to its sign-in first, and says only afterwards that there is no page.
  if (status >= 300 && status < 400) {
    return [
      untried(
        target,
        "device page",
        `it asks for a sign-in first (status ${status})`,
        "open it once in a browser in which you are signed in: 404 means that the brand has no device code flow (docs/authentik.md)",
      ),
    ];
  }
  return [
    missing(target, "device page", {
      found: status === 404 ? "there is none (status 404)" : `status ${status}`,
      expected: "the page on which people confirm the code that kubectl shows",
      remedy:
        "make a flow with the designation Stage Configuration and choose it as the brand's device code flow (docs/authentik.md), " +
        "and have the ingress lead this path to authentik",
    }),
  ];
}

/** Below the path that authentik itself is served at. @returns undefined where the issuer is not authentik */
function devicePageOf(endpoint: string): URL | undefined {
  const [, base] = URL.canParse(endpoint) ? (/^(.*)\/application\/o\/device\/?$/.exec(endpoint) ?? []) : [];
  return base === undefined ? undefined : new URL(`${base}/device`);
}
