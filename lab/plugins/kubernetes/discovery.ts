/**
 * Finds the API path of a kind, and whether its objects live in namespaces: it asks the server, once for each group.
 */
import type { Api } from "./api.ts";
import { ApiError } from "./api.ts";
import type { Gvk } from "./objects.ts";
import { apiVersionOf, listAt, textAt } from "./objects.ts";

/** Where the objects of a kind are. */
export interface RestMapping {
  readonly namespaced: boolean;
  /** The address of one object; of the whole collection without a name. */
  readonly path: (namespace: string, name?: string) => string;
}

/** Knows all kinds of a server. */
export interface Discovery {
  /** Undefined when the server answers and has no such kind; throws when it does not answer. */
  readonly find: (gvk: Gvk) => Promise<RestMapping | undefined>;
  /** Forgets everything: a new CustomResourceDefinition brings new kinds. */
  readonly forget: () => void;
}

/** Starts knowing nothing. */
export function discover(api: Api): Discovery {
  const groups = new Map<string, Promise<ReadonlyMap<string, RestMapping>>>();
  const load = (apiVersion: string): Promise<ReadonlyMap<string, RestMapping>> => {
    const known = groups.get(apiVersion);
    if (known !== undefined) return known;
    const loading = loadGroup(api, apiVersion);
    groups.set(apiVersion, loading);
    // A failed question must not become the answer.
    loading.catch(() => groups.delete(apiVersion));
    return loading;
  };
  return {
    find: async (gvk) => {
      const apiVersion = apiVersionOf(gvk);
      const mapping = (await load(apiVersion)).get(gvk.kind);
      // A kind may have come since: what is missing is asked again.
      if (mapping === undefined) groups.delete(apiVersion);
      return mapping;
    },
    forget: () => groups.clear(),
  };
}

async function loadGroup(api: Api, apiVersion: string): Promise<ReadonlyMap<string, RestMapping>> {
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  try {
    const list = await api.send({ method: "GET", path: root });
    return new Map(
      listAt(list, "resources")
        .filter((resource) => !textAt(resource, "name").includes("/"))
        .map((resource) => [
          textAt(resource, "kind"),
          mappingOf(root, textAt(resource, "name"), resource.namespaced === true),
        ]),
    );
  } catch (error) {
    if (error instanceof ApiError && error.http === 404) return new Map();
    throw error;
  }
}

function mappingOf(root: string, plural: string, namespaced: boolean): RestMapping {
  return {
    namespaced,
    path: (namespace, name) => {
      const namespacePath = namespaced
        ? `/namespaces/${encodeURIComponent(namespace === "" ? "default" : namespace)}`
        : "";
      return `${root}${namespacePath}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
    },
  };
}
