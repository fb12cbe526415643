/** Compares what each host holds with what was delivered to it, and runs the step `confirm`, which renews a delivery's age. */

import { deliveryComparison, type DeliveryComparison } from "../agent/lib/delivered-digests.ts";
import { parseJson } from "../clients/parse-json.ts";
import { stateOf } from "../cli/pulumi.ts";
import { type Host, HostUnreached, onHost } from "../clients/ssh/run-command.ts";
import { openStack } from "../cli/stack/open-stack.ts";
import { counted, listed } from "../roster/text/quote.ts";
import { type DeliveredToHost, deliveredParts } from "./delivered-parts.ts";
import type { StackSettings } from "../config/settings/stack-settings.ts";
import { announce } from "./chat.ts";
import { stackOfPipeline } from "./engine.ts";
import { log } from "./log.ts";

const HOST_LIMIT_MS = 1_000_000;

/** How one host answered. */
export interface HostDelivery {
  readonly host: string;
  /** Every command and upload of this host in the engine's state. */
  readonly urns: readonly string[];
  /** What the host holds otherwise than it was delivered, as one phrase; undefined where all is as delivered. */
  readonly difference: string | undefined;
  /** What an operator does about it. */
  readonly remedy: string;
  /** Whether delivering everything again may help: something is missing or in another version. */
  readonly isRedelivered: boolean;
}

const REDELIVER = 'start the schedule "daily", which delivers everything to it again';
const REACH = "the next run that reaches it confirms its delivery";
const REMOVE =
  "was this host restored from an image of before somebody was removed for good? Then remove them again (./ws remove)";

/**
 * Asks every host of the stack to which something was delivered.
 * @param mode `confirm` also renews the delivery's age on each host that holds all of it
 */
export async function queryHosts(mode: "check" | "confirm"): Promise<readonly HostDelivery[]> {
  const selection = { stack: stackOfPipeline(), configFile: undefined };
  const [{ settings }, exported] = await Promise.all([openStack(selection), stateOf(selection)]);
  const delivered = deliveredParts(
    exported,
    settings.hosts.map(({ name }) => name),
  );
  return Promise.all(
    settings.hosts.flatMap((host) => {
      const parts = delivered.get(host.name);
      return parts === undefined ? [] : [askHost(settings, host, parts, mode)];
    }),
  );
}

/** Hosts to which a deployment has to deliver everything again, and the engine's options for that. */
export interface Redelivery {
  readonly hosts: readonly HostDelivery[];
  readonly options: readonly string[];
}

/** Compares before a deployment, since the engine runs no command whose inputs are as before. */
export const findRedelivery = async (): Promise<Redelivery> => redeliveryOf(await queryHosts("check"));

/** Pure. A host that cannot be asked is left to the engine. */
export function redeliveryOf(queried: readonly HostDelivery[]): Redelivery {
  const hosts = queried.filter(({ difference, isRedelivered }) => difference !== undefined && isRedelivered);
  return { hosts, options: hosts.flatMap(({ urns }) => urns.flatMap((urn) => ["--replace", urn])) };
}

/**
 * Runs after a deployment that succeeded. A host that holds everything as delivered is told so: without that, its hourly
 * run stops offboarding people once the last delivery is older than `maxStateAgeHours`.
 * @returns 1 where a host holds anything else, or could not be asked; the chat is told
 */
export async function confirm(): Promise<number> {
  const hosts = await queryHosts("confirm");
  const wrong = hosts.filter(({ difference }) => difference !== undefined);
  const confirmed = hosts.filter(({ difference }) => difference === undefined).map(({ host }) => host);
  if (confirmed.length > 0) log(`${listed(confirmed)}: everything is as delivered, as of now.`);
  if (wrong.length === 0) return 0;
  await announce([
    `Not everything is on the hosts as it was delivered to them (stack ${stackOfPipeline()}):`,
    ...wrong.map(({ host, difference, remedy }) => `  ${host}: ${difference}; ${remedy}`),
  ]);
  return 1;
}

async function askHost(
  settings: StackSettings,
  host: Host,
  { digests, urns }: DeliveredToHost,
  mode: "check" | "confirm",
): Promise<HostDelivery> {
  const answer = (difference: string | undefined, remedy: string): HostDelivery => {
    return { host: host.name, urns, difference, remedy, isRedelivered: remedy === REDELIVER };
  };
  try {
    const argv = ["workstation", "confirm-delivery", ...(mode === "check" ? ["--check"] : [])];
    const command = { argv, stdin: JSON.stringify(digests), timeoutMs: HOST_LIMIT_MS };
    const { code, stdout, stderr } = await onHost(settings, host, command);
    if (code === BUSY) return answer("another run of its agent did not end in time", REACH);
    const parsed = deliveryComparison.safeParse(code === 0 || code === 1 ? parseJson(stdout) : undefined);
    // An agent that does not know the command, or is not there: an image from before this delivery.
    if (!parsed.success)
      return answer(`its agent cannot compare (${stderr.trim().split("\n")[0] || `exit code ${code}`})`, REDELIVER);
    const { different, missing } = parsed.data;
    return answer(phraseOf(parsed.data), different.length + missing.length > 0 ? REDELIVER : REMOVE);
  } catch (cause) {
    if (!(cause instanceof HostUnreached)) throw cause;
    return answer(cause.message.replace(`${host.name}: `, ""), REACH);
  }
}

/** The agent's exit code where its lock is held. */
export const BUSY = 75;

function phraseOf(found: DeliveryComparison): string | undefined {
  const phrase = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what} ${listed(names.slice(0, SHOWN))}${more(names.length - SHOWN)}`];
  const phrases = [
    ...phrase("holds another version of", found.different),
    ...phrase("does not hold", found.missing),
    ...phrase("holds what no deployment delivers:", found.unexpected),
  ];
  return phrases.length === 0 ? undefined : phrases.join(", ");
}

const SHOWN = 6;
const more = (count: number) => (count <= 0 ? "" : ` and ${counted(count, "more part", "more parts")}`);
