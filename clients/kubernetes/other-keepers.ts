/**
 * Finds out which other programs keep an object of the cluster: they put it back after a change, and delete it on
 * occasions of their own. Pure.
 */

import { z } from "zod";

/** Whoever may write the object may write any text there, and it is to be shown as a part of one line. */
const shown = z.string().transform((value) => value.replace(/[\p{C}\s]+/gu, " ").slice(0, LONGEST_SHOWN));
const LONGEST_SHOWN = 100;
const marks = z.record(z.string(), shown).default({});
const ownerReference = z.looseObject({ kind: shown, name: shown, controller: z.boolean().default(false) });
const keptObject = z.looseObject({
  metadata: z.looseObject({
    labels: marks,
    annotations: marks,
    ownerReferences: z.array(ownerReference).default([]),
    managedFields: z.array(z.looseObject({ manager: z.string().default("") })).default([]),
    deletionTimestamp: z.string().optional(),
    finalizers: z.array(z.string()).default([]),
  }),
  status: z.looseObject({ phase: z.unknown() }).optional(),
});
type Metadata = z.output<typeof keptObject>["metadata"];
type Marks = z.output<typeof marks>;

interface Keeper {
  readonly by: string;
  /** A relative clause: what it does to the object, and when. */
  readonly does: string;
  /** The steps by which it keeps the object no longer and does not delete it. */
  readonly first: readonly string[];
}

/** A program that writes its own name for what it keeps into a label or an annotation. */
interface Marking {
  readonly keys: readonly string[];
  /** An object that has one of these, too, is kept by the other program that they stand for. */
  readonly unless?: readonly string[];
  readonly by: (name: string, all: Marks) => string;
  readonly does: string;
  readonly first: readonly string[];
}

const OF_FLUX = "helm.toolkit.fluxcd.io/name";
const OF_FLEET = "objectset.rio.cattle.io/id";
const OF_RANCHER = "objectset.rio.cattle.io/owner-name";
const OF_HELM = "meta.helm.sh/release-name";
const HELM_LABEL = "app.kubernetes.io/managed-by";

/** An upgrade deletes what the chart has no longer, unless the release before it had the policy. */
const HELM_STEPS = ["set helm.sh/resource-policy: keep on it in the chart", "upgrade", "remove it from the chart"];
const within = (namespace: string | undefined) => (namespace === undefined ? "" : ` in ${namespace}`);

const MARKINGS: readonly Marking[] = [
  {
    keys: ["argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance"],
    // The rest of a tracking ID names the object itself.
    by: (name) => `the application ${name.split(":")[0]} of Argo CD`,
    does: "which puts it back at a sync, at once where self-heal is on, and deletes it by pruning",
    first: [
      "set argocd.argoproj.io/sync-options: Prune=false,Delete=false on it in the application's source",
      "sync",
      "remove it from the source",
    ],
  },
  {
    keys: ["kustomize.toolkit.fluxcd.io/name"],
    by: (name, all) => `the Kustomization ${name}${within(all["kustomize.toolkit.fluxcd.io/namespace"])} of Flux`,
    does: "which puts it back at each reconciliation and deletes it by pruning",
    first: [
      "set kustomize.toolkit.fluxcd.io/prune: disabled on it in the source",
      "reconcile",
      "remove it from the source",
    ],
  },
  {
    keys: [OF_FLUX],
    by: (name, all) => `the HelmRelease ${name}${within(all["helm.toolkit.fluxcd.io/namespace"])} of Flux`,
    does: "which puts it back at an upgrade or a correction of drift and deletes it at an uninstall",
    first: HELM_STEPS,
  },
  {
    keys: [OF_FLEET],
    unless: [OF_RANCHER],
    by: (name) => `the bundle ${name} of Rancher Fleet`,
    does: "which puts it back at an upgrade or a correction of drift and deletes it with the bundle",
    first: ["set helm.sh/resource-policy: keep on it in the bundle", "deploy that", "remove it from the bundle"],
  },
  {
    keys: [OF_RANCHER],
    by: (name, all) => `the ${kindIn(all["objectset.rio.cattle.io/owner-gvk"])} ${name} of a Rancher program`,
    does: "which puts it back when it is applied again and deletes it by pruning",
    first: [
      'set the label objectset.rio.cattle.io/prune: "false" on it in what is applied',
      "have that applied",
      "remove it from there",
    ],
  },
  {
    keys: [OF_HELM],
    unless: [OF_FLUX, OF_FLEET],
    by: (name, all) => `the Helm release ${name}${within(all["meta.helm.sh/release-namespace"])}`,
    does: "which puts it back at an upgrade and deletes it at an uninstall",
    first: HELM_STEPS,
  },
  {
    keys: ["kapp.k14s.io/app"],
    by: (name) => `the kapp application with the label ${name}`,
    does: "which puts it back at a deployment and deletes it once its configuration is without it",
    first: ["set kapp.k14s.io/delete-strategy: orphan on it in the configuration", "deploy", "remove it from there"],
  },
  {
    keys: ["applyset.kubernetes.io/part-of"],
    by: (name) => `the apply set ${name}`,
    does: "which puts it back when it is applied and deletes it by pruning (kubectl apply --prune)",
    first: ["remove it from what is applied, without applying that yet"],
  },
];

/** What other programs render from a chart has Helm's label as well, and no release. */
const UNNAMED_RELEASE: Keeper = {
  by: "a Helm release without a name on the object",
  does: "which puts it back at an upgrade and deletes it at an uninstall",
  first: ["find the release (helm get manifest)", ...HELM_STEPS],
};

/** The provider's own name, and what the API server takes from its user agent, `HashiCorp/1.0 Terraform/1.9`. */
const TERRAFORM_MANAGERS: readonly string[] = ["Terraform", "HashiCorp"];

const TERRAFORM: Keeper = {
  by: "Terraform, which owns fields of it",
  does: "and puts it back or deletes it at an apply",
  first: ["replace its resource by a removed block with destroy = false", "apply"],
};

/**
 * @param object as a person names it
 * @param live the object as the API server has it
 * @returns a sentence for each other program: what it does to the object, and what has to be done there first
 */
export function keeperSentences(object: string, live: unknown): readonly string[] {
  const parsed = keptObject.safeParse(live);
  if (!parsed.success) return [];
  return keepersOf(parsed.data.metadata).map(
    ({ by, does, first }) => `${object}: still kept by ${by}, ${does}; first ${enumerated(first)}`,
  );
}

/** @returns why the object cannot be adopted; undefined where nobody is deleting it */
export function deletionOf(live: unknown): string | undefined {
  const parsed = keptObject.safeParse(live);
  if (!parsed.success) return undefined;
  const { metadata, status } = parsed.data;
  const { deletionTimestamp: since, finalizers } = metadata;
  if (since === undefined && status?.phase !== "Terminating") return undefined;
  const time = since === undefined ? "" : ` since ${since}`;
  const held = finalizers.length === 0 ? "" : ` and waits for its finalizers (${finalizers.join(", ")})`;
  return `is being deleted${time}${held}, so it is not taken over; wait until it is gone, and make the adoption file again`;
}

function keepersOf({ labels, annotations, ownerReferences, managedFields }: Metadata): readonly Keeper[] {
  const all = { ...labels, ...annotations };
  const found = [
    ...ownerReferences.map(ownerOf),
    ...MARKINGS.flatMap((marking) => markedBy(marking, all)),
    ...(managedFields.some(({ manager }) => TERRAFORM_MANAGERS.includes(manager)) ? [TERRAFORM] : []),
  ];
  return found.length === 0 && labels[HELM_LABEL] === "Helm" ? [UNNAMED_RELEASE] : found;
}

function ownerOf({ kind, name, controller }: z.output<typeof ownerReference>): Keeper {
  const remove = "remove that owner from its metadata.ownerReferences";
  return controller
    ? {
        by: `its controller ${kind} ${name}`,
        does: "which puts it back, and with which the garbage collector deletes it",
        first: ["have that controller make it no longer", remove],
      }
    : { by: `its owner ${kind} ${name}`, does: "with which the garbage collector deletes it", first: [remove] };
}

function markedBy({ keys, unless = [], by, does, first }: Marking, all: Marks): readonly Keeper[] {
  // Rancher's programs leave an annotation empty that does not apply.
  const isThere = (key: string) => (all[key] ?? "") !== "";
  const key = keys.find(isThere);
  if (key === undefined || unless.some(isThere)) return [];
  return [{ by: by(all[key] ?? "", all), does, first: [...first, `remove ${key} from the object`] }];
}

/** @example "k3s.cattle.io/v1, Kind=Addon" */
const kindIn = (groupVersionKind = ""): string => groupVersionKind.split("Kind=")[1] ?? "object set";

const enumerated = (steps: readonly string[]): string =>
  steps.length < 2 ? steps.join("") : `${steps.slice(0, -1).join(", ")}, and then ${steps.at(-1)}`;

/** @returns a sentence for a kind whose objects let in whoever holds a token of them */
export const tokenSentences = (kind: string, object: string): readonly string[] =>
  kind === "ServiceAccount"
    ? [`${object}: tokens that were issued for it stay valid; to end them delete it and let the program make it`]
    : [];
