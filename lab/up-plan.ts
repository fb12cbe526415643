/** Describes the steps of an `up` and about how long they take, before the first one begins. */
import { availableParallelism } from "node:os";
import { isBaseInstalled } from "./devvm/base.ts";
import { missingPackages } from "./packages.ts";
import { missingTools } from "./toolchain/index.ts";
import { BUILD_MINUTES, type Tool } from "./toolchain/tools.ts";

export interface UpPlan {
  readonly lab: string;
  readonly processors: number;
  /** Debian packages that this machine lacks. */
  readonly packages: readonly string[];
  /** Tools that were never built here. */
  readonly tools: readonly Tool[];
  /** Whether the DevVM's Debian has to be installed. */
  readonly installsDebian: boolean;
  /** Whether the roster is deployed at the end. */
  readonly withPeople: boolean;
}

/** Looks at this machine and changes nothing. Throws `LabError` without Go. */
export async function planUp(lab: string, needed: readonly Tool[], withPeople: boolean): Promise<UpPlan> {
  const [packages, tools] = await Promise.all([missingPackages(), missingTools(needed)]);
  const installsDebian = !(await isBaseInstalled());
  return { lab, processors: availableParallelism(), packages, tools, installsDebian, withPeople };
}

/** The same for people: one line a step, with its time. */
export function describeUp(plan: UpPlan): string {
  const { packages, tools, installsDebian, withPeople } = plan;
  const build = buildMinutes(tools, plan.processors);
  const once = [
    ...(packages.length > 0 ? [`Debian packages, once: ${packages.join(", ")} (1 min)`] : []),
    ...(tools.length > 0 ? [`tools, built once from pinned Go modules: ${tools.join(", ")} (${build} min)`] : []),
    ...(installsDebian ? [`the DevVM's Debian, installed once (${DEBIAN_MINUTES} min, beside the builds)`] : []),
  ];
  const always = [
    "servers: cluster, DevVM, forge, Vault (half a minute)",
    ...(withPeople ? ["people: pulumi up of roster.yaml (1 min)"] : []),
  ];
  const minutes = (packages.length > 0 ? 1 : 0) + Math.max(build, installsDebian ? DEBIAN_MINUTES : 0) + always.length;
  return [
    `Starting the lab "${plan.lab}": about ${minutes} min${once.length > 0 ? ", most of it this once" : ""}. The steps:`,
    ...[...once, ...always].map((step, index) => `  ${index + 1}. ${step}`),
    ...(once.length > 0 ? ["Meanwhile, without a lab: ./ws check roster.yaml, ./ws derive roster.yaml"] : []),
  ].join("\n");
}

/** Whole minutes; more processors than eight make no build faster. */
export const buildMinutes = (tools: readonly Tool[], processors: number): number =>
  Math.ceil(tools.reduce((sum, tool) => sum + BUILD_MINUTES[tool], 0) / Math.min(processors, 8));

const DEBIAN_MINUTES = 2;
