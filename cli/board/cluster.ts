/**
 * Compares the objects of the cluster with those that the last deployment made, from one whole listing for each kind.
 */

import { KubernetesError, type KubeCall } from "../../clients/kubernetes/client.ts";
import { apiRoot, kindLookup } from "../../clients/kubernetes/resource-path.ts";
import { type Fault, type Look, driftOf } from "./drift-findings.ts";
import type { Finding } from "./finding.ts";
import type { DeployedResource } from "../stack/deployed-resources.ts";
import { isObject } from "../../clients/kubernetes/compare-objects.ts";
import type { Register } from "./resource-owner.ts";

type KubeObject = Readonly<Record<string, unknown>>;

/** By namespace and name, or why they could not be had. */
type Listing = ReadonlyMap<string, KubeObject> | { readonly unread: string };

/** @param selector label selector of everything that this program makes */
export async function clusterFindings(
  call: KubeCall,
  made: readonly DeployedResource[],
  register: Register,
  selector: string,
): Promise<readonly Finding[]> {
  const kinds = new Map<string, DeployedResource[]>();
  for (const one of made) kinds.set(kindOf(one.inputs), [...(kinds.get(kindOf(one.inputs)) ?? []), one]);
  const lookUp = kindLookup(call);
  const found = await Promise.all(
    [...kinds].map(async ([kind, objects]) => {
      const listing = await listed(call, lookUp, kind, selector);
      return [
        ...objects.flatMap((one) => driftOf(one, lookAt(one, listing), register)),
        ...strays(kind, objects, listing, register),
      ];
    }),
  );
  return found.flat();
}

const kindOf = ({ apiVersion, kind }: KubeObject) => `${String(apiVersion)} ${String(kind)}`;

function lookAt({ inputs }: DeployedResource, listing: Listing): Look {
  if (isUnread(listing)) return { kind: "unread", why: listing.unread };
  const object = listing.get(placeOf(inputs));
  return object === undefined ? { kind: "gone" } : { kind: "found", object, faults: faultsOf(inputs, object) };
}

const isUnread = (listing: Listing): listing is { readonly unread: string } => "unread" in listing;

function placeOf({ metadata }: KubeObject): string {
  const { namespace = "", name } = isObject(metadata) ? metadata : {};
  return `${String(namespace)}/${String(name)}`;
}

/** Objects in somebody's name that no deployment made: leftovers of a broken one, or copies by hand. */
const strays = (
  kind: string,
  made: readonly DeployedResource[],
  listing: Listing,
  register: Register,
): readonly Finding[] => {
  if (isUnread(listing)) return [];
  const ours = new Set(made.map(({ inputs }) => placeOf(inputs)));
  return [...listing].flatMap(([place, object]) => {
    const owner = register.of("kubernetes:", object);
    if (ours.has(place) || typeof owner === "string") return [];
    const what = `${kind.split(" ")[1] ?? kind} ${place.replace(/^\//, "")}: is in their name, and no deployment made it`;
    return [{ whose: owner, surface: "cluster", state: "changed", what }];
  });
};

/** What an object says of itself besides what was asked for. */
function faultsOf(want: KubeObject, object: KubeObject): readonly Fault[] {
  const { kind } = want;
  if (kind === "Secret" && want.type === "kubernetes.io/service-account-token") {
    const filled = isObject(object.data) && object.data.token !== undefined;
    return filled ? [] : [{ state: "failed", what: "the cluster has put no token into it" }];
  }
  if (kind !== "Deployment") return [];
  const wanted = isObject(object.spec) ? Number(object.spec.replicas ?? 1) : 1;
  const ready = isObject(object.status) ? Number(object.status.availableReplicas ?? 0) : 0;
  return ready >= wanted ? [] : [{ state: "failed", what: `${ready} of ${wanted} pods are available` }];
}

const PAGE = 500;

/** The whole list, page by page. A failed page makes the whole of it unread, never a shorter list. */
async function listed(
  call: KubeCall,
  lookUp: ReturnType<typeof kindLookup>,
  kind: string,
  selector: string,
): Promise<Listing> {
  const [apiVersion = "", name = ""] = kind.split(" ");
  try {
    const resource = await lookUp(apiVersion, name);
    if (resource === undefined) return new Map();
    const found = new Map<string, KubeObject>();
    let more: string | undefined = "";
    while (more !== undefined) {
      const query = new URLSearchParams({
        labelSelector: selector,
        limit: String(PAGE),
        ...(more === "" ? {} : { continue: more }),
      });
      const { status, value } = await call("GET", `${apiRoot(apiVersion)}/${resource.name}?${query}`);
      if (status !== 200 || !isObject(value))
        return { unread: `the cluster does not list its ${resource.name} (status ${status})` };
      for (const item of Array.isArray(value.items) ? value.items.filter(isObject) : [])
        found.set(placeOf(item), { apiVersion, kind: name, ...item });
      const next: unknown = isObject(value.metadata) ? value.metadata.continue : undefined;
      more = typeof next === "string" && next !== "" ? next : undefined;
    }
    return found;
  } catch (cause) {
    if (!(cause instanceof KubernetesError)) throw cause;
    return { unread: cause.message };
  }
}

/** For whoever lists by hand what these findings are about. */
export const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
