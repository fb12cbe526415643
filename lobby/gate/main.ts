/** The gate's entry: listens where its configuration says, until it is told to end. */

import { chmodSync, readFileSync, rmSync } from "node:fs";
import { z } from "zod";
import { dispatchAt } from "./dispatch.ts";
import { createGate } from "./server.ts";

const settings = z.strictObject({
  dispatch: z.string().startsWith("/"),
  listen: z.union([
    z.strictObject({ address: z.string(), port: z.int().min(1).max(65_535) }),
    /** Whoever may open the socket is whom its folder lets in. */
    z.strictObject({ socket: z.string().startsWith("/") }),
  ]),
});

const log = (line: string): void => void process.stderr.write(`${line.replace(/[\p{Cc}]+/gu, " ").slice(0, 1000)}\n`);

const { dispatch, listen } = settings.parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const server = createGate({ dispatch: dispatchAt(dispatch), log });
server.on("error", (error) => {
  log(`the gate cannot listen: ${error.message}`);
  process.exit(1);
});
if ("socket" in listen) {
  rmSync(listen.socket, { force: true });
  server.listen(listen.socket, () => chmodSync(listen.socket, 0o660));
} else server.listen(listen.port, listen.address);

process.once("SIGTERM", () => process.exit(0));
