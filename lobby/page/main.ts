/** Starts the user portal and listens where its configuration says. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { dispatchAt } from "../gate/dispatch.ts";
import { ingressGuardOrExit, ingressSecret } from "../ingress-guard.ts";
import { listen, listenAt } from "../listen.ts";
import { log } from "../log.ts";
import { askThroughSocket, hostBehind } from "./host.ts";
import { createLobby } from "./server.ts";

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
listenAt(createLobby({ site, ingress, lists, host: hostBehind(askThroughSocket, Date.now) }), at, log);
