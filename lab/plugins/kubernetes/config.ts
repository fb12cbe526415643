/**
 * Reads the provider's own configuration as the official plugin takes it, and refuses settings that the emulated plugin
 * cannot keep.
 */
import type { Checked } from "../../../providers/runtime/provider.ts";
import { hasUnknown, revealMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";

/** What the resources need of it. */
export interface Config {
  /** Undefined while the kubeconfig is an output that a preview does not know yet. */
  readonly known: boolean;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly namespace: string | undefined;
  /** Change a Secret's or ConfigMap's data in place instead of replacing it. */
  readonly mutableSecrets: boolean;
  readonly mutableConfigMaps: boolean;
  /** Take a field from another manager instead of failing with a conflict. */
  readonly forcePatches: boolean;
  /** Take over an object that exists instead of failing with AlreadyExists. */
  readonly upsert: boolean;
}

/** Values that are not strings come as JSON text. */
export function configOf(inputs: PropertyMap): Config {
  const plain = revealMap(inputs);
  const text = (name: string): string | undefined => {
    const value = plain[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const flag = (name: string, variable: string): boolean =>
    plain[name] === true || (text(name) ?? process.env[variable] ?? "").toLowerCase() === "true";
  return {
    known: !hasUnknown(inputs),
    kubeconfig: text("kubeconfig"),
    context: text("context"),
    namespace: text("namespace"),
    mutableSecrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    mutableConfigMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    forcePatches: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsert: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
  };
}

/** Refuses settings whose promise the emulated plugin would break, so that nobody trusts it for more than it does. */
export function checkConfig(inputs: PropertyMap): Checked {
  const failures = REFUSED.flatMap(([property, is, reason]) =>
    String(revealMap(inputs)[property] ?? "") === is ? [{ property, reason }] : [],
  );
  const folder = inputs.renderYamlToDirectory === undefined ? [] : [NO_RENDERING];
  return { inputs, failures: [...failures, ...folder] };
}

const REFUSED = [
  ["enableServerSideApply", "false", "the lab's emulated plugin knows server-side apply only; leave it on"],
  [
    "deleteUnreachable",
    "true",
    "the lab's emulated plugin never forgets the objects of a cluster that does not answer",
  ],
  ["skipUpdateUnreachable", "true", "the lab's emulated plugin never passes over a cluster that does not answer"],
] as const;

const NO_RENDERING = { property: "renderYamlToDirectory", reason: "the lab's emulated plugin renders no files" };
