/** The commands that root gives: `install`, `apply`, `settle`, `reconcile`, `finish`, `status`, `probe`, `failpoints`. */

import { ROOT_POINTS, WORKER_POINTS, arm } from "../failpoint.ts";
import { look } from "../disk.ts";
import { Refusal } from "../refusal.ts";
import { say } from "../say.ts";
import { apply } from "./apply.ts";
import { printCheck } from "./check.ts";
import { confirmDelivery } from "./confirm-delivery.ts";
import { assertRoot } from "./as-root.ts";
import { finish } from "./finish.ts";
import { install } from "./install.ts";
import { ALLOW_FAILPOINTS } from "./layout.ts";
import { probePeople } from "./probe-people.ts";
import { reconcile } from "./reconcile.ts";
import { settle } from "./settle.ts";
import { status } from "./status.ts";
import { realSystem } from "./system.ts";

const USAGE = `workstation apply <base|maps|account|clones|units> <name>   take a delivered part from standard input
workstation settle                       try failed people again, name who still fails
workstation reconcile [--check [--json]] bring the host to the delivered state, or say what would change
workstation confirm-delivery [--check]   compare what is here with the digests on standard input; where all is the same, the delivery counts as of now
workstation finish                       what slow remotes still owe; the other commands start it in the background
workstation status [--json]              what this host holds
workstation probe <user[=login]>…        what is left here of somebody's access, as JSON; with the login, the gate is asked too
workstation failpoints                   the names of all mutating steps`;

const LARGEST_PART = 8 * 1024 * 1024;

/** @returns the exit code. @throws Refusal for the operator. */
export async function command(argv: readonly string[]): Promise<number> {
  assertRoot("workstation");
  const failpoint = allowedFailpoint();
  arm(failpoint);
  const [verb, ...rest] = argv;
  const is = (pattern: RegExp) => pattern.test(rest.join(" "));
  if (verb === "install" && is(/^--sha256 [0-9a-f]{64}$/))
    return install(realSystem, rest[1] ?? "", process.argv[1] ?? "");
  if (verb === "apply" && rest.length === 2)
    return apply(realSystem, rest[0] ?? "", rest[1] ?? "", await standardInput(), failpoint);
  if (verb === "settle" && rest.length === 0) return settle(realSystem, Date.now(), failpoint);
  if (verb === "reconcile" && is(/^--check --json$/)) return printCheck(realSystem, Date.now(), failpoint);
  if (verb === "reconcile" && is(/^(--check)?$/))
    return reconcile(realSystem, rest.length > 0 ? "check" : "apply", Date.now(), failpoint);
  if (verb === "confirm-delivery" && is(/^(--check)?$/))
    return confirmDelivery(realSystem, await standardInput(), rest.length > 0, Date.now());
  if (verb === "finish" && rest.length === 0) return finish(realSystem, Date.now(), failpoint);
  if (verb === "status" && is(/^(--json)?$/)) return status(realSystem, rest.length > 0);
  if (verb === "probe" && rest.length > 0)
    return probePeople(
      realSystem,
      rest.filter((word) => word !== "--json"),
      Date.now(),
    );
  if (verb === "failpoints" && rest.length === 0) {
    for (const point of [...ROOT_POINTS, ...WORKER_POINTS]) say(point);
    return 0;
  }
  throw new Refusal(`${verb === undefined ? "no command given" : `not understood: ${argv.join(" ")}`}\n${USAGE}`);
}

/** Only on a host whose root has allowed it with a file of its own. */
function allowedFailpoint(): string | undefined {
  const wanted = process.env.WORKSTATION_FAILPOINT;
  if (wanted === undefined || wanted === "") return undefined;
  const allow = look(ALLOW_FAILPOINTS);
  return allow?.isFile() && allow.uid === 0 ? wanted : undefined;
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
