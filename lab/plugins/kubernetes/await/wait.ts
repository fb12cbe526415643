/** Waits until an object that was written is ready, and says why it is not when the time is up. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Call } from "../../../../providers/runtime/provider.ts";
import type { PropertyMap } from "../../../../providers/runtime/property-values.ts";
import type { RestMapping } from "../discovery.ts";
import { annotation, apiVersionOf, at, gvkOf, listAt, textAt } from "../objects.ts";
import { gvkOfObject } from "../session.ts";
import type { Session } from "../session.ts";
import { read } from "../write-object.ts";
import { podProblems, ruleOf } from "./readiness.ts";
import type { Readiness, Rule } from "./readiness.ts";

/** The object as it was last seen, and undefined or the reasons why it is not ready. */
export interface Awaited {
  readonly live: PropertyMap;
  readonly reasons: readonly string[];
}

/** `written` is the answer to the write; where nothing has to be waited for, it is the result. */
export async function untilReady(
  session: Session,
  mapping: RestMapping,
  written: PropertyMap,
  call: Call,
): Promise<Awaited> {
  const rule = ruleFor(session, written);
  if (rule === undefined || annotation(written, "skipAwait") === "true") return { live: written, reasons: [] };
  const limitMs = call.timeoutMs ?? (Number(annotation(written, "timeoutSeconds")) * 1000 || rule.limitMs);
  const started = Date.now();
  let live = written;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    const now = await rule.ready(live);
    if (now.state === "ready") return { live, reasons: [] };
    const late = Date.now() - started > limitMs;
    if (now.state === "failed" || late) {
      const why = late ? `not ready within ${limitMs / 1000} s: ${now.why}` : now.why;
      return { live, reasons: [why, ...(await whatPodsSay(session, live, call.signal))] };
    }
    call.log.progress(now.why);
    await sleep(pauseMs, undefined, { signal: call.signal });
    const seen = await read(session, mapping, live, call.signal);
    if (seen === undefined) return { live, reasons: ["someone deleted it while it was waited for"] };
    live = seen;
  }
}

interface AnyRule {
  readonly limitMs: number;
  readonly ready: (object: PropertyMap) => Readiness | Promise<Readiness>;
}

function ruleFor(session: Session, object: PropertyMap): AnyRule | undefined {
  const gvk = gvkOfObject(object);
  const kind = `${apiVersionOf(gvk)}/${gvk.kind}`;
  if (kind === "v1/Service") return serviceRule(session, object);
  if (kind === "v1/PersistentVolumeClaim") return claimRule(session);
  return ruleOf(kind);
}

/** A Service with a selector is ready when a ready pod stands behind it. */
function serviceRule(session: Session, service: PropertyMap): AnyRule | undefined {
  const selects = Object.keys((at(service, "spec", "selector") ?? {}) as object).length > 0;
  const type = textAt(service, "spec", "type");
  if (!selects || type === "ExternalName") return undefined;
  const [namespace, name] = [textAt(service, "metadata", "namespace"), textAt(service, "metadata", "name")];
  const ready = async (object: PropertyMap): Promise<Readiness> => {
    const slices = await session.api.send({
      ...{ method: "GET", path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices` },
      query: { labelSelector: `kubernetes.io/service-name=${name}` },
    });
    const endpoints = listAt(slices, "items").flatMap((slice) => listAt(slice, "endpoints"));
    if (!endpoints.some((endpoint) => at(endpoint, "conditions", "ready") === true)) {
      return { state: "waiting", why: "no ready pod stands behind the service yet" };
    }
    const addressed = type !== "LoadBalancer" || listAt(object, "status", "loadBalancer", "ingress").length > 0;
    return addressed ? { state: "ready" } : { state: "waiting", why: "no load balancer has given it an address yet" };
  };
  return { limitMs: 600_000, ready };
}

/** A claim of a class that waits for its first consumer is as ready as it gets. */
function claimRule(session: Session): AnyRule | undefined {
  const rule: Rule | undefined = ruleOf("v1/PersistentVolumeClaim");
  if (rule === undefined) return undefined;
  return {
    limitMs: rule.limitMs,
    ready: async (claim) => {
      const now = rule.ready(claim);
      const className = textAt(claim, "spec", "storageClassName");
      if (now.state === "ready" || className === "") return now;
      const mapping = await session.mappingOf({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass" });
      const found =
        mapping && (await read(session, mapping, { metadata: { name: className } }, AbortSignal.timeout(30_000)));
      return textAt(found, "volumeBindingMode") === "WaitForFirstConsumer" ? { state: "ready" } : now;
    },
  };
}

/** The pods' own words, for an error that names the cause and not only the symptom. */
async function whatPodsSay(session: Session, object: PropertyMap, signal: AbortSignal): Promise<readonly string[]> {
  const labels = at(object, "spec", "selector", "matchLabels");
  const { kind } = gvkOfObject(object);
  if (kind === "Service" || typeof labels !== "object" || labels === null) return [];
  const mapping = await session.requireMapping({ apiVersion: apiVersionOf(gvkOf("v1", "Pod")), kind: "Pod" });
  const labelSelector = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",");
  const path = mapping.path(textAt(object, "metadata", "namespace"));
  const pods = await session.api.send({ method: "GET", path, query: { labelSelector }, signal });
  return listAt(pods, "items").flatMap((pod) => {
    const problems = podProblems(pod);
    return problems === "" ? [] : [`pod ${textAt(pod, "metadata", "name")}: ${problems}`];
  });
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
