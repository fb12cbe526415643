/** Parses the command line of `workstation` and runs the command that it names. */

import { ROOT_POINTS, WORKER_POINTS, arm } from "../../lib/failpoints.ts";
import { parseCommandLine, printUsage, type Syntax } from "../../lib/command-line.ts";
import { Refusal } from "../../lib/errors.ts";
import { info } from "../../lib/log.ts";
import { apply } from "./apply-part.ts";
import { assertRoot } from "../system/assert-root.ts";
import { confirmDelivery, parseDigests } from "./confirm-delivery.ts";
import { printCheck } from "./check-host.ts";
import { retryPending } from "./retry-pending.ts";
import { install } from "./install.ts";
import { probeAccess } from "./probe-access.ts";
import { reconcile } from "./reconcile.ts";
import { finalizeDelivery } from "./finalize-delivery.ts";
import { status } from "./status.ts";
import { realSystem } from "../system/privileged-operations.ts";
import { allowedFailpoint } from "../system/allowed-failpoint.ts";

const USAGE = `usage: workstation <command>
  apply <kind> <name>       take a delivered part (base, ingress-secret, maps, account, clones, units or credentials) from standard input and apply it
  settle [--delivered]      end a delivery: try failed people again, and name those who still fail; with --delivered,
                            fail also where this host does not hold the parts whose digests are on standard input
  reconcile [--check [--json]]
                            bring the host to the delivered state, or print what would change
  confirm-delivery [--check]
                            compare what this host holds with the digests on standard input; where nothing differs,
                            and without --check, record that the delivery is current
  finish                    retry what slow remotes still owe; the other commands start it in the background
  status [--json]           print what this host holds; exit code 1 when anything is wrong
  probe <user[=login]>...   print as JSON what access somebody still has here; with the login, ask the code-server proxy too
  failpoints                print the names of all mutating steps
  install --sha256 <hex>    install the delivered agent; the deployment runs it`;

const SYNTAX = {
  apply: { operands: ["kind", "name"] },
  settle: { options: { delivered: "switch" } },
  reconcile: { options: { check: "switch", json: "switch" } },
  "confirm-delivery": { options: { check: "switch" } },
  finish: {},
  status: { options: { json: "switch" } },
  probe: { options: { json: "switch" }, operands: ["user[=login]…"] },
  failpoints: {},
  install: { options: { sha256: "value" } },
} as const satisfies Readonly<Record<string, Syntax>>;

const SHA256 = /^[0-9a-f]{64}$/;
const LARGEST_PART = 8 * 1024 * 1024;

/** @returns the exit code. @throws Refusal for the operator. */
export async function command(argv: readonly string[]): Promise<number> {
  const line = parseCommandLine(argv, SYNTAX, USAGE);
  if (line === "help") return printUsage(USAGE);
  assertRoot("workstation");
  const failpoint = allowedFailpoint();
  arm(failpoint);
  const [first = "", second = ""] = line.operands;
  switch (line.command) {
    case "apply":
      return apply(realSystem, first, second, await standardInput(), failpoint);
    case "settle":
      return finalizeDelivery(
        realSystem,
        Date.now(),
        failpoint,
        line.has("delivered") ? parseDigests(await standardInput()) : undefined,
      );
    case "reconcile":
      if (line.has("json") && !line.has("check")) throw new Refusal(`reconcile: --json needs --check\n${USAGE}`);
      if (line.has("json")) return printCheck(realSystem, Date.now(), failpoint);
      return reconcile(realSystem, line.has("check") ? "check" : "apply", Date.now(), failpoint);
    case "confirm-delivery":
      return confirmDelivery(realSystem, await standardInput(), line.has("check"), Date.now());
    case "finish":
      return retryPending(realSystem, Date.now(), failpoint);
    case "status":
      return status(realSystem, line.has("json"));
    case "probe":
      return probeAccess(realSystem, line.operands, Date.now());
    case "failpoints":
      for (const point of [...ROOT_POINTS, ...WORKER_POINTS]) info(point);
      return 0;
    case "install": {
      const sha256 = line.value("sha256") ?? "";
      if (!SHA256.test(sha256)) throw new Refusal(`install: --sha256 must be 64 hexadecimal digits\n${USAGE}`);
      return install(realSystem, sha256, process.argv[1] ?? "");
    }
  }
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    const piece = Buffer.from(chunk);
    bytes += piece.length;
    if (bytes > LARGEST_PART) throw new Refusal(`the delivered part is larger than ${LARGEST_PART} bytes`);
    chunks.push(piece);
  }
  return Buffer.concat(chunks).toString("utf8");
}
