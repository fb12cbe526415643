/** Starts the user portal and listens where its configuration says. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { dispatchAt } from "../code-server-proxy/dispatch-table.ts";
import { ingressGuardOrExit, ingressSecret } from "../require-ingress-secret.ts";
import { listen, listenAt } from "../listen.ts";
import { log } from "../log.ts";
import { requestThroughSocket, rootRequests } from "./root-requests.ts";
import { createPortal } from "./server.ts";

const settings = z.strictObject({
  host: z.string(),
  dispatch: z.string().startsWith("/"),
  admins: z.string().startsWith("/"),
  listen,
  ingressSecret: ingressSecret.optional(),
  origin: z.string(),
  codeServer: z.string().optional(),
  contact: z.string().optional(),
});

const {
  dispatch,
  admins,
  listen: at,
  ingressSecret: secret,
  ...site
} = settings.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const lists = { dispatch: dispatchAt(dispatch), admins, log };
const ingress = ingressGuardOrExit(at, secret, log);
listenAt(createPortal({ site, ingress, lists, host: rootRequests(requestThroughSocket, Date.now) }), at, log);
