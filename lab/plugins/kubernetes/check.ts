/** Checks and completes inputs: kind, name and namespace, before anything is compared or sent. */
import { createHash } from "node:crypto";
import type { Autonaming, Call, CheckArgs, Checked } from "../../../providers/runtime/provider.ts";
import { hasUnknown, isMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import type { Session } from "./session.ts";
import { annotation, apiVersionOf, at, gvkOfToken, put, textAt } from "./objects.ts";
import { markSecrets } from "./state.ts";

/** The inputs with everything that the server would otherwise have to guess. */
export async function check(session: Session, args: CheckArgs, call: Call): Promise<Checked> {
  const gvk = gvkOfToken(call.type);
  const typed = {
    ...args.inputs,
    apiVersion: args.inputs.apiVersion ?? apiVersionOf(gvk),
    kind: args.inputs.kind ?? gvk.kind,
  };
  const named = name(typed, args, call.name);
  if (typeof named === "string") return { inputs: typed, failures: [{ property: "metadata.name", reason: named }] };
  return { inputs: markSecrets(await inNamespace(session, named)), failures: [] };
}

/** Completed inputs, or why there can be no name. */
function name(inputs: PropertyMap, args: CheckArgs, logicalName: string): PropertyMap | string {
  const { metadata = {} } = inputs;
  if (!isMap(metadata)) return inputs;
  if (hasUnknown(metadata.name) || textAt(metadata, "name") !== "" || textAt(metadata, "generateName") !== "")
    return inputs;
  const old = args.oldInputs ?? {};
  const kept = annotation(old, "autonamed") === "true" ? textAt(old, "metadata", "name") : "";
  const made = kept === "" ? madeName(logicalName, args.randomSeed, args.autonaming) : kept;
  if (made === undefined) return "autonaming is switched off; give the object a name";
  return put(put(inputs, ["metadata", "name"], made), ["metadata", "annotations", "pulumi.com/autonamed"], "true");
}

function madeName(logicalName: string, seed: Uint8Array, autonaming: Autonaming | undefined): string | undefined {
  if (autonaming?.mode === "disable") return undefined;
  if (autonaming !== undefined && autonaming.proposedName !== "") return autonaming.proposedName;
  return `${logicalName}-${createHash("sha256").update(seed).digest("hex").slice(0, 8)}`;
}

async function inNamespace(session: Session, inputs: PropertyMap): Promise<PropertyMap> {
  const given = at(inputs, "metadata", "namespace");
  if (!session.known || hasUnknown(inputs.metadata) || (given !== undefined && given !== null)) return inputs;
  const mapping = await session.mappingOf(inputs);
  // A kind that the server does not know is most likely a custom one that comes in the same update: those have a namespace.
  return (mapping?.namespaced ?? true) ? put(inputs, ["metadata", "namespace"], session.defaultNamespace) : inputs;
}
