/** Starts the token injector: its pods run this program. */

import { createServer } from "node:http";
import { DRAIN, MOUNT_PATHS, PROBE_PORT, REQUEST_PORT } from "./contract.ts";
import { requestFilter } from "./request-filter.ts";
import { createInjectorServer } from "./server.ts";
import { readStart, type Started } from "./start.ts";

const log = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

function started(): Started {
  try {
    return readStart(MOUNT_PATHS);
  } catch (cause) {
    log({ stopped: cause instanceof Error ? cause.message : "cannot be started" });
    process.exit(1);
  }
}

const { config, rules } = started();
const { origin, caPem } = config.backend;
const backend = {
  origin: new URL(origin),
  ...(caPem === undefined ? {} : { caPem }),
  onFailure: (why: string) => log({ dashboard: "does not answer", why }),
};
const injector = createInjectorServer(requestFilter(rules), backend, log);
let ready = false;

const probes = createServer((request, response) => {
  const up = request.url === "/healthz" || (request.url === "/readyz" && ready);
  response.writeHead(up ? 200 : 503).end();
});

injector.server.listen(REQUEST_PORT, () => {
  ready = true;
  log({ listening: REQUEST_PORT, identities: config.identities });
});
probes.listen(PROBE_PORT);

process.once("SIGTERM", () => {
  ready = false;
  log({ going: "finishing what is under way" });
  injector.drain(DRAIN.settleMs, DRAIN.limitMs).then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
