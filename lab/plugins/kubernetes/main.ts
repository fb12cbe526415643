/** Serves the emulated `kubernetes` plugin; ../README.md says what it keeps of the official one. */
import { status } from "@grpc/grpc-js";
import { ProviderError, unsupported } from "../../../providers/runtime/errors.ts";
import { servePlugin } from "../../../providers/runtime/serve.ts";
import { standInVersion } from "../version.ts";
import { checkConfig, configOf } from "./config.ts";
import { kubernetesResource } from "./resource.ts";
import { openSession } from "./session.ts";
import type { Session } from "./session.ts";

let session: Session | undefined;

const resource = kubernetesResource(() => {
  if (session !== undefined) return session;
  throw new ProviderError("the engine asked for a resource before it configured the provider", {
    code: status.FAILED_PRECONDITION,
  });
});

void servePlugin({
  name: "kubernetes",
  version: standInVersion(),
  checkConfig: async ({ inputs }) => checkConfig(inputs),
  configure: async (inputs) => {
    session = await openSession(configOf(inputs));
  },
  resource: (type) => {
    const [, module = "", kind = ""] = type.split(":");
    const patch = kind.endsWith("Patch") && /^([^./]+|[^/]+\.k8s\.io)\//.test(module);
    if (!patch && !OUT.test(module)) return resource;
    throw unsupported(
      `${type}: the lab's emulated kubernetes plugin serves plain objects only, no patches, YAML files or charts; ` +
        "with the official plugin on the PATH or in WS_LAB_PLUGINS the lab uses that instead",
    );
  },
});

const OUT = /^(yaml|helm\.sh|helm|kustomize)(\/|$)/;
