/** Opens the cluster that the provider was configured for; it connects when it is first needed. */
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Api } from "./api.ts";
import { connect } from "./api.ts";
import type { Config } from "./config.ts";
import { discover } from "./discovery.ts";
import type { RestMapping } from "./discovery.ts";
import { readCluster } from "./kubeconfig.ts";
import { gvkOf, objectName, textAt } from "./objects.ts";
import type { Gvk } from "./objects.ts";

/** What all resources of one run share. */
export interface Session {
  readonly config: Config;
  /** False in a preview in which the cluster itself is yet to be made. */
  readonly known: boolean;
  readonly defaultNamespace: string;
  readonly api: Api;
  /** Undefined when the server has no such kind. */
  readonly mappingOf: (object: PropertyMap) => Promise<RestMapping | undefined>;
  /** {@link mappingOf}, where a missing kind is an error that says what to do. */
  readonly requireMapping: (object: PropertyMap) => Promise<RestMapping>;
  readonly forgetKinds: () => void;
}

/** Reads the kubeconfig; the server is not asked anything yet, so an idle provider costs nothing. */
export async function openSession(config: Config): Promise<Session> {
  const cluster = config.known ? await readCluster(config.kubeconfig, config.context) : undefined;
  const api = cluster === undefined ? NO_CLUSTER : connect(cluster);
  const discovery = discover(api);
  const mappingOf = (object: PropertyMap): Promise<RestMapping | undefined> => discovery.find(gvkOfObject(object));
  return {
    ...{ config, api, mappingOf },
    known: cluster !== undefined,
    defaultNamespace: config.namespace ?? cluster?.namespace ?? "default",
    requireMapping: async (object) => {
      const mapping = await mappingOf(object);
      if (mapping !== undefined) return mapping;
      const gvk = gvkOfObject(object);
      throw new ProviderError(
        `${objectName(gvk, object)}: the API server has no kind ${gvk.kind} in ${textAt(object, "apiVersion")}. ` +
          "If it is a custom one, its CustomResourceDefinition has to exist first: add a dependsOn to it",
      );
    },
    forgetKinds: discovery.forget,
  };
}

/** The kind that an object says it is. */
export const gvkOfObject = (object: PropertyMap): Gvk => gvkOf(textAt(object, "apiVersion"), textAt(object, "kind"));

const NO_CLUSTER: Api = {
  server: "(not known yet)",
  send: async () => {
    throw new ProviderError("the kubeconfig of this provider is not known yet; nothing can be asked of the cluster");
  },
};
