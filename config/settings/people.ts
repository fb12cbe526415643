/** Defines the settings about people as a whole: safety limits, defaults and reserved names. */

import { z } from "zod";
import type { PortRange } from "../../roster/model.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { dnsLabel } from "./dns-names.ts";

const limits = z
  .strictObject({
    memory: z.string().describe("MemoryMax of everything the person runs together."),
    cpu: z.string().describe("CPUQuota; 100% is one core."),
    tasks: z.string().describe("TasksMax."),
    pane_memory: z
      .string()
      .describe("MemoryMax of one tmux pane, so that the runaway program dies and the session lives."),
  })
  .describe("Envelope of everybody of the tier.");

const quota = z.strictObject({
  cpu_requests: z.string().describe("Sum of the processors that its pods ask for."),
  memory_requests: z.string().describe("Sum of the memory that its pods ask for."),
  memory_limits: z.string().describe("Sum of the memory that its pods may take."),
  pods: z.string().describe("Number of pods."),
});

/** Both ends are included; who moves one of them need not name the other. */
const range = (lowest: number, highest: number, usual: PortRange) =>
  z
    .strictObject({
      first: z.int().min(lowest).max(highest).default(usual.first).describe("The lowest."),
      last: z.int().min(lowest).max(highest).default(usual.last).describe("The highest."),
    })
    .prefault({});

/** Top-level keys, spread into the schema of the stack. */
export const people = {
  roster: z.string().default("roster.yaml").describe("The roster, relative to the project's folder."),
  userMapFile: z
    .string()
    .optional()
    .describe("The `k8s_users` map as a JSON file; where it is set, the map is not read from Vault."),
  ledgerSeed: z
    .string()
    .optional()
    .describe(
      "File with what was ever given to whom, for the first run of a stack that has no ledger of its own: after an " +
        "adoption, or a lost state. A stack that has one refuses it.",
    ),
  adopt: z
    .string()
    .optional()
    .describe("File of `./ws import` with what exists already and is taken into the stack instead of being made."),
  removalLimit: z
    .int()
    .min(0)
    .default(DEFAULT_POLICY.removalLimit)
    .describe("How many people may lose rights in one run without being confirmed by name."),
  minimumAdmins: z
    .int()
    .min(0)
    .default(DEFAULT_POLICY.minimumAdmins)
    .describe("A run that would leave fewer admins stops."),
  confirmLeave: z
    .array(z.string())
    .default([])
    .describe("The people whose loss of rights is intended, by name. Lifts the removal limits for exactly them."),
  removed: z
    .array(z.string())
    .default([])
    .describe(
      "People whom `./ws remove` has removed for good, by name: the program forgets what it kept for them, and nobody else ever gets their uid.",
    ),
  nonAdminPushes: z
    .enum(["confirm", "announce"])
    .default("confirm")
    .describe(
      "What the pipeline does with a non-admin's push that raises rights or changes the program: wait for an admin's " +
        "confirmation, or deploy it after its announcement. With `announce` everybody who may push to the branch is root " +
        "on the hosts and admin of the cluster. A push by nobody known waits either way.",
    ),
  ports: z
    .strictObject({
      t3: range(1024, 65_535, DEFAULT_POLICY.ports.t3).describe("Of the code server."),
      browser: range(1024, 65_535, DEFAULT_POLICY.ports.browser).describe("Of the browser-automation server."),
    })
    .prefault({})
    .describe(
      "From which loopback ports a newcomer gets the lowest free one; the two ranges never overlap. Nobody's port changes " +
        "when a range does: a person keeps theirs, also outside.",
    ),
  uids: range(1000, 59_999, DEFAULT_POLICY.uids).describe(
    "From which uids a newcomer gets the lowest that nobody ever had. Nobody's uid changes when the range does.",
  ),
  addsOnly: z
    .boolean()
    .default(false)
    .describe(
      "Suspends every removal of access and rights on every surface, and what comes with one, such as a namespace-owner's higher tier. Parking, smaller limits and quotas and `claude_auth: false` are none. What an earlier deployment announced and did not complete is still revoked where a surface has it; a host refuses that until this is `false`.",
    ),
  reservedK8sUsers: z
    .array(dnsLabel)
    .default([])
    .describe("Vault paths of this stack that no `k8s_user` may be named after."),
  systemNamespaces: z.array(dnsLabel).default([]).describe("Namespaces of this stack that no person may own."),
  limits: z
    .strictObject({ admin: limits, "power-user": limits, "namespace-owner": limits })
    .prefault(DEFAULT_POLICY.limits)
    .describe("Envelope on the host per tier; a roster row may set its own."),
  quota: quota
    .prefault(DEFAULT_POLICY.quota)
    .describe("ResourceQuota of one namespace, where neither the roster nor the user map says otherwise."),
};
