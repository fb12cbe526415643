/** The stack as a whole: decide about everybody first, then declare surface by surface what carries it out. */

import { writeLedger } from "../roster/ledger.ts";
import { buildAgent } from "./agent-bundle.ts";
import { deployCluster } from "./cluster.ts";
import { deployHosts } from "./devvm.ts";
import { LEDGER_OUTPUT, today } from "./decision.ts";
import { readLedger } from "./ledger.ts";
import { announce, decide } from "./people.ts";
import { Refusal } from "./refusal.ts";
import type { StackSettings } from "./settings/index.ts";
import { siteOfHosts } from "./site-of-hosts.ts";

/**
 * Declares everything and returns the stack's outputs.
 * @throws Refusal before anything is declared
 */
export async function deploy(settings: StackSettings): Promise<Record<string, unknown>> {
  const decided = await decide(settings, { ledger: await readLedger(), today: today() });
  const site = await siteOfHosts(settings);
  const agent = await buildAgent();
  await announce(decided);
  deployHosts(settings, decided.desired, site, agent);
  if (settings.cluster !== undefined) {
    deployCluster(clusterAccess(settings.kubeconfig), decided.desired, settings.cluster);
  }
  return { [LEDGER_OUTPUT]: writeLedger(decided.desired.ledger) };
}

function clusterAccess(kubeconfig: string | undefined): string {
  if (kubeconfig !== undefined) return kubeconfig;
  throw new Refusal(
    "workstation:cluster is configured and workstation:kubeconfig is not: the program cannot reach the cluster. " +
      "Set it by `pulumi config set --secret kubeconfig`, or take the section out. Nothing was changed.",
  );
}
