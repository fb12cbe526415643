/** The project's own sample roster on a site of the tests, on the first day and after some of them left or moved. */

import { readFileSync } from "node:fs";
import type { SiteOfHosts } from "../../../components/devvm/build-parts.ts";
import type { Derivation } from "../../../roster/derive/derive.ts";
import type { HostName } from "../../../roster/model.ts";
import { DEFAULT_POLICY } from "../../../roster/policy-defaults.ts";
import { TIER_GROUPS } from "../../../roster/tiers.ts";
import { derived } from "../../roster/support.ts";

const textOf = (file: string) => readFileSync(new URL(`../../../${file}`, import.meta.url), "utf8");

export const DEVVM = "devvm" as HostName;
export const ATTIC = "attic" as HostName;

const stack = { hosts: [DEVVM, ATTIC], removalLimit: 9, minimumAdmins: 0 };
const userMap = textOf("lab/k8s-users.json");

/** Everybody of `roster.yaml`, newly come, on the first host. */
export const firstDay: Derivation = derived(textOf("roster.yaml"), { userMap, stack });

/** The second day: ancamilea is off the roster, emo has moved to the other host. */
export const secondDay: Derivation = derived(
  textOf("roster.yaml")
    .replace(/\n {2}ancamilea:(\n {4}.*)*/, "")
    .replace("k8s_user: emo", "k8s_user: emo\n    host: attic"),
  { ledger: firstDay.desired.ledger, userMap, stack, today: "2026-11-23" },
);

export const SITE: SiteOfHosts = {
  packages: ["tmux", "git"],
  guidance: "Be kind.\n",
  managedSettings: '{"cleanupPeriodDays":365}',
  commands: { t3: ["/bin/t3"], browser: ["/bin/browser"], credentialSync: ["/bin/sync"] },
  reconcile: { maxStateAgeHours: 336, removalLimit: 1 },
  proxyUsers: ["www-data", "caddy"],
  adoptExisting: ["wizard"],
  closeAdoptedHomes: false,
  repositories: {
    infraMirror: "https://mirror.test/infra.git",
    forgejo: "https://forge.test/",
    owner: "ops",
    infra: "infra",
    branch: "master",
  },
  limits: DEFAULT_POLICY.limits,
  tierGroups: TIER_GROUPS,
  brakes: { removalLimit: 1, confirmLeave: [], addsOnly: false },
};
