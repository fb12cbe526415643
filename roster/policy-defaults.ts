/** Defines the defaults of a stack's policy, and checks a policy. */

import { limits, quota } from "./schema/row.ts";
import { kubernetesBytes, systemdBytes } from "./schema/size-limits.ts";
import type { HostName, Limits, Policy, Quota, Tier } from "./model.ts";

/** Defaults of the cluster's user map. */
export const DEFAULT_QUOTA: Quota = { cpu_requests: "2", memory_requests: "4Gi", memory_limits: "8Gi", pods: "20" };

const DEFAULT_LIMITS: Readonly<Record<Tier, Limits>> = {
  admin: { memory: "24G", cpu: "800%", tasks: "8192", pane_memory: "12G" },
  "power-user": { memory: "12G", cpu: "400%", tasks: "4096", pane_memory: "6G" },
  "namespace-owner": { memory: "8G", cpu: "400%", tasks: "4096", pane_memory: "4G" },
};

/** The policy of a stack without any configuration: one host, one person may leave at a time, one admin stays. */
export const DEFAULT_POLICY: Policy = {
  hosts: ["devvm" as HostName],
  reservedK8sUsers: [],
  systemNamespaces: [],
  limits: DEFAULT_LIMITS,
  quota: DEFAULT_QUOTA,
  // The gap between them is what keeps the two from ever meeting: `checkPolicy` refuses ranges that overlap.
  ports: { t3: { first: 3773, last: 8772 }, browser: { first: 8931, last: 13_930 } },
  // Above Debian's first user and below the ranges that systemd hands out by itself.
  uids: { first: 20_000, last: 29_999 },
  removalLimit: 1,
  minimumAdmins: 1,
  confirmLeave: [],
  removed: [],
  adoptExisting: [],
  closeAdoptedHomes: false,
  addsOnly: false,
  noticeDays: 14,
};

/** Sentences about a policy that could not keep its promises; empty when it can. */
export function checkPolicy(policy: Policy): readonly string[] {
  const { t3, browser } = policy.ports;
  const wrong: string[] = [];
  if (policy.hosts.length === 0) wrong.push("hosts is empty; a stack has at least one host");
  for (const [name, range] of Object.entries({ "ports.t3": t3, "ports.browser": browser, uids: policy.uids })) {
    if (!(range.first <= range.last)) {
      wrong.push(`${name} runs from ${range.first} to ${range.last}; the last must not lie below the first`);
    }
  }
  if (t3.first <= browser.last && browser.first <= t3.last) {
    wrong.push(
      `ports.t3 (${t3.first} to ${t3.last}) and ports.browser (${browser.first} to ${browser.last}) overlap; ` +
        "keep them apart, so that no two people ever share a port",
    );
  }
  if (!(policy.uids.first >= 1000 && policy.uids.last <= 59_999)) {
    wrong.push(`uids runs from ${policy.uids.first} to ${policy.uids.last}; stay within 1000 to 59999`);
  }
  for (const [tier, given] of Object.entries(policy.limits)) {
    wrong.push(...sizeProblems(`limits.${tier}`, limits.safeParse(given).error?.issues ?? []));
    if (systemdBytes(given.pane_memory) > systemdBytes(given.memory))
      wrong.push(
        `limits.${tier}.pane_memory (${given.pane_memory}) is more than its memory (${given.memory}), which holds all panes`,
      );
  }
  wrong.push(...sizeProblems("quota", quota.safeParse(policy.quota).error?.issues ?? []));
  const { memory_requests: requests, memory_limits: most } = policy.quota;
  if (kubernetesBytes(requests) > kubernetesBytes(most))
    wrong.push(
      `quota.memory_requests (${requests}) is more than quota.memory_limits (${most}); no pod may ask for more than it may take`,
    );
  return wrong;
}

const sizeProblems = (section: string, issues: readonly { readonly path: PropertyKey[]; readonly message: string }[]) =>
  issues.map(({ path, message }) => `${[section, ...path].join(".")}: ${message}`);
