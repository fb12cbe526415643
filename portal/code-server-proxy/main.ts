/** Starts the code-server proxy and listens where its configuration says. */

import { readFileSync } from "node:fs";
import { z } from "zod";
import { listen, listenAt } from "../listen.ts";
import { log } from "../log.ts";
import { dispatchAt } from "./dispatch-table.ts";
import { createCodeServerProxy } from "./server.ts";

const settings = z.strictObject({
  dispatch: z.string().startsWith("/"),
  listen,
});

const configured = settings.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
listenAt(createCodeServerProxy({ dispatch: dispatchAt(configured.dispatch), log }), configured.listen, log);
