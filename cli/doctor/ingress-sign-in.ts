/** Checks that the ingress asks for a sign-in before it lets anybody to the user portal and the code-server proxy. */

import { ClientError } from "../../clients/client-error.ts";
import type { HttpReply } from "../../clients/http/send.ts";
import type { StackSettings } from "../../config/settings/stack-settings.ts";
import { mapConcurrently } from "../map-concurrently.ts";
import { type Check, missing, ok, type Target, untried } from "./model.ts";

type Reply = Pick<HttpReply, "status" | "headers">;

/** @param get asks without credentials and follows no redirect. @throws ClientError where no answer came */
export async function ingressSignInChecks(
  { lobby, gate }: StackSettings["devvm"],
  get: (url: URL) => Promise<Reply>,
): Promise<readonly Check[]> {
  const services = [
    ["devvm.lobby.origin", lobby?.origin],
    ["devvm.gate.origin", gate?.origin],
  ] as const;
  const named = services.flatMap(([setting, origin]) =>
    origin === undefined ? [] : [{ setting, url: new URL(origin) }],
  );
  return mapConcurrently(named, async ({ setting, url }) => {
    try {
      return judgeSignIn(setting, url, await get(url));
    } catch (cause) {
      if (!(cause instanceof ClientError)) throw cause;
      return untried(targetOf(url), "sign-in", cause.message, "./ws doctor again once the address answers");
    }
  });
}

const targetOf = ({ origin }: URL): Target => ({ surface: "address", where: origin, who: "" });

/** Pure. @param reply to a request without a sign-in */
export function judgeSignIn(setting: string, url: URL, { status, headers }: Reply): Check {
  const target = targetOf(url);
  if (status === 401) return ok(target, "sign-in", "it is asked for (status 401)");
  const location = headers.get("location") ?? "";
  const to = REDIRECTS.has(status) && URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (to !== undefined && (to.hostname !== url.hostname || to.pathname.startsWith(OUTPOST)))
    return ok(target, "sign-in", `it is asked for at ${to.origin}`);
  return missing(target, "sign-in", {
    found: to === undefined ? `status ${status} without a sign-in` : `it leads to ${to.pathname} of its own`,
    expected: "a redirect to the sign-in of the identity provider, or status 401",
    remedy: remedyOf(setting, status),
  });
}

const REDIRECTS: ReadonlySet<number> = new Set([302, 303, 307]);
/** Where authentik's outpost answers on each host that it guards. */
const OUTPOST = "/outpost.goauthentik.io/";

function remedyOf(setting: string, status: number): string {
  if (status === 404)
    return (
      `lead the host of ${setting} by the IngressRoute of docs/authentik.md, and assign its application to the outpost there; ` +
      "Traefik leaves out a route whose EndpointSlice has no conditions"
    );
  if (status >= 500)
    return "see in the ingress' log whether the outpost or the service fails, and compare the route with docs/authentik.md";
  return `no sign-in comes before it: put the middleware forward-auth before the route of ${setting} (docs/authentik.md)`;
}
