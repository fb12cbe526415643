/** Starts the code-server proxy and listens where its configuration says. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { ingressGuardOrExit, ingressSecret } from "../require-ingress-secret.ts";
import { listen, listenAt } from "../listen.ts";
import { log } from "../log.ts";
import { dispatchAt } from "./dispatch-table.ts";
import { createCodeServerProxy } from "./server.ts";

const settings = z.strictObject({
  dispatch: z.string().startsWith("/"),
  listen,
  ingressSecret: ingressSecret.optional(),
  origin: z.string().optional(),
});

const configured = settings.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const ingress = ingressGuardOrExit(configured.listen, configured.ingressSecret, log);
const { origin } = configured;
listenAt(
  createCodeServerProxy({ dispatch: dispatchAt(configured.dispatch), ingress, origin, log }),
  configured.listen,
  log,
);
