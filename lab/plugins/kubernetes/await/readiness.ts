/** Decides by an object's status whether it is ready, by kind. Pure. */
import type { PropertyMap } from "../../../../providers/runtime/property-values.ts";
import { at, listAt, numberAt, textAt } from "../objects.ts";

/** Where an object stands. `failed` is final: waiting longer brings nothing. */
export type Readiness =
  | { readonly state: "ready" }
  | { readonly state: "waiting"; readonly why: string }
  | { readonly state: "failed"; readonly why: string };

/** How a kind is waited for. */
export interface Rule {
  readonly limitMs: number;
  readonly ready: (object: PropertyMap) => Readiness;
}

/** The rule of a kind (`apps/v1/Deployment`), or undefined if it is ready as soon as it exists. */
export const ruleOf = (kind: string): Rule | undefined => RULES[kind];

const READY: Readiness = { state: "ready" };

const waiting = (why: string): Readiness => ({ state: "waiting", why });

const failed = (why: string): Readiness => ({ state: "failed", why });

function deployment(object: PropertyMap): Readiness {
  if (numberAt(object, "status", "observedGeneration") < numberAt(object, "metadata", "generation")) {
    return waiting("the deployment controller has not seen it yet");
  }
  const progressing = condition(object, "Progressing");
  if (textAt(progressing, "reason") === "ProgressDeadlineExceeded") return failed(textAt(progressing, "message"));
  const wanted = replicas(object);
  const [updated, all, available] = ["updatedReplicas", "replicas", "availableReplicas"].map((name) =>
    numberAt(object, "status", name),
  );
  if (updated === wanted && all === wanted && available === wanted) return READY;
  return waiting(
    `${available} of ${wanted} pods available, ${updated} of them new${says(condition(object, "Available"))}`,
  );
}

function statefulSet(object: PropertyMap): Readiness {
  if (numberAt(object, "status", "observedGeneration") < numberAt(object, "metadata", "generation")) {
    return waiting("the controller has not seen it yet");
  }
  const ready = numberAt(object, "status", "readyReplicas");
  const settled = textAt(object, "status", "updateRevision") === textAt(object, "status", "currentRevision");
  return ready === replicas(object) && settled ? READY : waiting(`${ready} of ${replicas(object)} pods ready`);
}

function daemonSet(object: PropertyMap): Readiness {
  if (numberAt(object, "status", "observedGeneration") < numberAt(object, "metadata", "generation")) {
    return waiting("the controller has not seen it yet");
  }
  const wanted = numberAt(object, "status", "desiredNumberScheduled");
  const updated = numberAt(object, "status", "updatedNumberScheduled");
  const available = numberAt(object, "status", "numberAvailable");
  return updated === wanted && available === wanted ? READY : waiting(`${available} of ${wanted} nodes run it`);
}

function pod(object: PropertyMap): Readiness {
  const phase = textAt(object, "status", "phase");
  if (phase === "Succeeded" || isTrue(object, "Ready")) return READY;
  const why = podProblems(object);
  return phase === "Failed"
    ? failed(why || textAt(object, "status", "message") || "the pod failed")
    : waiting(why || `phase ${phase}`);
}

function job(object: PropertyMap): Readiness {
  if (isTrue(object, "Complete")) return READY;
  if (isTrue(object, "Failed")) return failed(`the job failed${says(condition(object, "Failed"))}`);
  return waiting(`${numberAt(object, "status", "active")} pods at work`);
}

function claim(object: PropertyMap): Readiness {
  const phase = textAt(object, "status", "phase");
  return phase === "Bound" ? READY : waiting(`phase ${phase || "unknown"}`);
}

function volume(object: PropertyMap): Readiness {
  const phase = textAt(object, "status", "phase");
  return phase === "Available" || phase === "Bound" ? READY : waiting(`phase ${phase || "unknown"}`);
}

function quota(object: PropertyMap): Readiness {
  const names = Object.keys((at(object, "spec", "hard") ?? {}) as object);
  const missing = names.filter((name) => at(object, "status", "hard", name) === undefined);
  return missing.length === 0 ? READY : waiting(`the quota controller has not counted ${missing.join(", ")} yet`);
}

function secret(object: PropertyMap): Readiness {
  if (textAt(object, "type") !== "kubernetes.io/service-account-token") return READY;
  return textAt(object, "data", "token") === "" ? waiting("the token controller has not written the token yet") : READY;
}

function definition(object: PropertyMap): Readiness {
  if (isTrue(object, "Established")) return READY;
  const names = condition(object, "NamesAccepted");
  return textAt(names, "status") === "False" ? failed(textAt(names, "message")) : waiting("not established yet");
}

/** Why a pod's containers do not run: what a person would look for first. Empty if nothing is said. */
export function podProblems(object: PropertyMap): string {
  const containers = [
    ...listAt(object, "status", "initContainerStatuses"),
    ...listAt(object, "status", "containerStatuses"),
  ];
  const problems = containers.flatMap((container) => {
    const state = at(container, "state", "waiting") ?? at(container, "state", "terminated");
    const reason = textAt(state, "reason");
    return reason === "" || reason === "Completed"
      ? []
      : [`container ${textAt(container, "name")}: ${reason}${says(state)}`];
  });
  const scheduled = condition(object, "PodScheduled");
  if (textAt(scheduled, "status") === "False") problems.push(`not scheduled${says(scheduled)}`);
  return problems.join("; ");
}

const condition = (object: PropertyMap, type: string): PropertyMap | undefined =>
  listAt(object, "status", "conditions").find((entry) => entry.type === type);

const isTrue = (object: PropertyMap, type: string): boolean => textAt(condition(object, type), "status") === "True";

function says(part: Parameters<typeof textAt>[0]): string {
  const message = textAt(part, "message");
  return message === "" ? "" : ` (${message})`;
}

function replicas(object: PropertyMap): number {
  const wanted = at(object, "spec", "replicas");
  return typeof wanted === "number" ? wanted : 1;
}

const MINUTE_MS = 60_000;

const RULES: Readonly<Record<string, Rule>> = {
  "apps/v1/Deployment": { limitMs: 10 * MINUTE_MS, ready: deployment },
  "apps/v1/StatefulSet": { limitMs: 10 * MINUTE_MS, ready: statefulSet },
  "apps/v1/DaemonSet": { limitMs: 10 * MINUTE_MS, ready: daemonSet },
  "batch/v1/Job": { limitMs: 10 * MINUTE_MS, ready: job },
  "v1/Pod": { limitMs: 10 * MINUTE_MS, ready: pod },
  "v1/PersistentVolumeClaim": { limitMs: 5 * MINUTE_MS, ready: claim },
  "v1/PersistentVolume": { limitMs: 5 * MINUTE_MS, ready: volume },
  "v1/ResourceQuota": { limitMs: 5 * MINUTE_MS, ready: quota },
  "v1/Secret": { limitMs: 5 * MINUTE_MS, ready: secret },
  "apiextensions.k8s.io/v1/CustomResourceDefinition": { limitMs: MINUTE_MS, ready: definition },
};
