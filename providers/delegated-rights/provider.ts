/**
 * Defines the provider that suspends delegated rights in a kept namespace after its owner was offboarded. Everything
 * else of the API server belongs to the official provider.
 */

import { z } from "zod";
import { type KubeCall, openKubernetes } from "../../clients/kubernetes/client.ts";
import { ProviderError } from "../runtime/errors.ts";
import type { Provider } from "../runtime/provider.ts";
import { configReader } from "../runtime/parse-inputs.ts";
import { namespaceRights } from "./suspend-role-bindings.ts";

const config = z.object({ kubeconfig: z.string().min(1, "must be a kubeconfig with a token or a client certificate") });

export function delegatedRightsProvider(): Provider {
  let opened: KubeCall | undefined;
  const resource = namespaceRights(() => {
    if (opened === undefined) throw new ProviderError("the kubeconfig is not known yet");
    return opened;
  });
  const reader = configReader(config);
  return {
    name: "plantedrights",
    version: "0.1.0",
    replacingConfig: [],
    checkConfig: async ({ inputs }) => reader.check(inputs),
    configure: async (args) => {
      const read = reader.read(args);
      if (read !== undefined) opened = openKubernetes(read.kubeconfig);
    },
    resource: (type) => (type === "plantedrights:index:Room" ? resource : undefined),
  };
}
