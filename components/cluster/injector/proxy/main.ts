/** Starts the token injector: its pods run this program. */

import { createServer } from "node:http";
import { DRAIN, PLACES, PROBE_PORT, REQUEST_PORT } from "./contract.ts";
import { gateOf } from "./request-filter.ts";
import { frontOf } from "./server.ts";
import { readStart, type Started } from "./start.ts";

const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

function started(): Started {
  try {
    return readStart(PLACES);
  } catch (cause) {
    say({ stopped: cause instanceof Error ? cause.message : "cannot be started" });
    process.exit(1);
  }
}

const { config, rules } = started();
const { origin, caPem } = config.backend;
const backend = {
  origin: new URL(origin),
  ...(caPem === undefined ? {} : { caPem }),
  onFailure: (why: string) => say({ dashboard: "does not answer", why }),
};
const front = frontOf(gateOf(rules), backend, say);
let ready = false;

const probes = createServer((request, response) => {
  const up = request.url === "/healthz" || (request.url === "/readyz" && ready);
  response.writeHead(up ? 200 : 503).end();
});

front.server.listen(REQUEST_PORT, () => {
  ready = true;
  say({ listening: REQUEST_PORT, identities: config.identities });
});
probes.listen(PROBE_PORT);

process.once("SIGTERM", () => {
  ready = false;
  say({ going: "finishing what is under way" });
  front.drain(DRAIN.settleMs, DRAIN.limitMs).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
