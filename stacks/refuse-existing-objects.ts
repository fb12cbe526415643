/** Refuses to create an object of the cluster that exists already, unless the admin has named it for adoption or an interrupted run made it. */

import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { additions } from "../clients/kubernetes/additions.ts";
import { differences } from "../clients/kubernetes/compare-objects.ts";
import { CREATING_MANAGER } from "../clients/kubernetes/field-ownership.ts";
import { deletionOf } from "../clients/kubernetes/other-keepers.ts";
import { isWithheld } from "../clients/withheld-value.ts";
import { bearsOurLabels } from "../components/cluster/labels.ts";
import { type Adoption, objectId } from "../config/adoption-file.ts";
import { type DeclaredObject, declaredParts, type LiveObject, liveObjects, objectName } from "./live-object.ts";
import { fieldTakeover } from "./import-adopted.ts";
import { heldObject, type ObjectsInState } from "./objects-in-state.ts";
import { runError } from "./run-error.ts";

/**
 * From here on each object of the cluster that the state does not hold and that is not adopted is looked for before it is
 * declared, in previews too. Whether the Kubernetes plugin refuses an existing one depends on its version: before 4.29.0 it
 * takes the object over. Its labels prove nothing to a deployment: whoever is admin of a namespace can give anything ours. One
 * that is just as it is declared is taken into the state all the same: a run that was interrupted leaves such behind.
 */
export function refuseExistingObjects(kubeconfig: string, inState: ObjectsInState, adoption: Adoption = []): void {
  const hasRun = [...inState.values()].some((objects) => objects.size > 0);
  const mayBeLeft = (kind: string) => hasRun && !CREDENTIALS.has(kind);
  const look = lookOf(kubeconfig, mayBeLeft);
  const adopted = new Set(adoption.map(({ type, name }) => `${type} ${name}`));
  pulumi.runtime.registerStackTransformation(({ type, name, props, opts }) => {
    if (!type.startsWith("kubernetes:") || adopted.has(`${type} ${name}`)) return undefined;
    const { metadata: given, ...rest } = props as pulumi.Unwrap<DeclaredObject>;
    const isHeld = ({ kind, metadata }: DeclaredObject) => heldObject(inState, { kind, ...metadata }) !== undefined;
    if (isHeld(props as DeclaredObject)) return undefined;
    let id: string | undefined;
    const metadata = pulumi.output(given).apply(async (known) => {
      const object = { ...rest, metadata: known };
      id = isHeld(object) ? undefined : await look(object, { type, name });
      return known;
    });
    // The engine asks for it when it has the inputs, and for each child of the resource, too.
    const importFound: pulumi.ResourceTransform = async (declared) =>
      id === undefined || declared.type !== type || declared.name !== name
        ? undefined
        : { props: declared.props, opts: { ...declared.opts, import: id } };
    const transforms = mayBeLeft(rest.kind) ? [...(opts.transforms ?? []), importFound] : opts.transforms;
    return { props: { ...props, metadata }, opts: transforms === undefined ? opts : { ...opts, transforms } };
  });
}

/** How the program names a resource. */
interface Resource {
  readonly type: string;
  readonly name: string;
}

/**
 * @returns the id of an object that an interrupted run has made, undefined where there is none
 * @throws RunError for another object that exists, and where that cannot be read
 */
type Look = (object: DeclaredObject, resource: Resource) => Promise<string | undefined>;

/** @param mayBeLeft whether an object of that kind may be one that an interrupted run has made */
function lookOf(kubeconfig: string, mayBeLeft: (kind: string) => boolean): Look {
  const read = liveObjects(kubeconfig);
  const take = fieldTakeover(kubeconfig);
  return async (object, resource) => {
    const called = objectName(object);
    const isPreview = pulumi.runtime.isDryRun();
    const asksAgain = async (sentence: string) => {
      await pulumi.log.info(`${sentence}. The deployment asks again`);
      return undefined;
    };
    let live: LiveObject | undefined;
    try {
      live = await read(object);
    } catch (cause) {
      if (isPreview && pulumi.RunError.isInstance(cause)) return asksAgain(`${called}: ${cause.message}`);
      throw cause;
    }
    if (live === undefined || live.status === 404) return undefined;
    if (live.status !== 200) {
      const unread = `${called}: the API server does not say whether it exists (status ${live.status})`;
      if (!isPreview) throw runError(unread);
      return asksAgain(unread);
    }
    const isOurs = hasOurLabels(live.value);
    // The preview of a pull request goes by the state that was published last.
    if (isPreview && isOurs)
      return asksAgain(`${called} exists already; a deployment may have made it that is not published yet`);
    const { metadata, ...rest } = object;
    const whole = { ...rest, ...(await declaredParts(rest)), metadata };
    if (isOurs && mayBeLeft(object.kind) && isAsDeclared(whole, live.value)) {
      await take(whole);
      await pulumi.log.info(
        `${called} exists already, as the program declares it: an interrupted deployment has made it. The stack has it from now on`,
      );
      return objectId(object.metadata.name, object.metadata.namespace);
    }
    throw runError(
      `${called} exists already, and the stack does not have it. ${remedyFor(object, resource, live.value)}`,
    );
  };
}

/** Kinds of which somebody else's object would let somebody else in. */
const CREDENTIALS: ReadonlySet<string> = new Set(["Secret", "ServiceAccount"]);

const isAsDeclared = (object: DeclaredObject, live: unknown): boolean =>
  deletionOf(live) === undefined &&
  isMadeByPlugin(live) &&
  differences(object, live).length === 0 &&
  additions(object, live).length === 0 &&
  !hasUnknown(object);

const made = z.object({
  metadata: z.object({
    managedFields: z.array(z.object({ manager: z.string(), subresource: z.string().optional() })),
  }),
});

/** Whether nobody but the Kubernetes plugin has written the object. It says so itself, which rules out accidents alone. */
function isMadeByPlugin(live: unknown): boolean {
  const parsed = made.safeParse(live);
  const writers = parsed.success ? parsed.data.metadata.managedFields : [];
  return (
    writers.length > 0 &&
    writers.every(({ manager, subresource }) => subresource === "status" || manager.startsWith(CREATING_MANAGER))
  );
}

/** A part that is secret or not known yet cannot be compared. */
const hasUnknown = (part: unknown): boolean =>
  isWithheld(part) || (typeof part === "object" && part !== null && Object.values(part).some(hasUnknown));

function remedyFor(object: DeclaredObject, resource: Resource, live: unknown): string {
  if (deletionOf(live) !== undefined) return "It is being deleted: wait until it is gone, and deploy again";
  const { name, namespace } = object.metadata;
  const adopt = `Put it into the adoption file (type ${resource.type}, name ${resource.name}, id ${objectId(name, namespace)})`;
  const byImport = "before a first deployment ./ws import writes that file";
  switch (object.kind) {
    case "Secret":
    case "ConfigMap":
      return "It cannot be adopted: keep its content elsewhere if you need it, delete it, and deploy again";
    case "ServiceAccount":
      return "Delete it, and deploy again: another user may hold a token of it, and would get what the program gives it";
    case "Namespace":
      return resource.name === "dashboard"
        ? "Set cluster.dashboard.createNamespace to false, and deploy again"
        : `${adopt}, and deploy again; ${byImport}`;
    case "PersistentVolumeClaim":
      return `${adopt}, and deploy again; ${byImport}`;
    default:
      return `${adopt} or delete it, and deploy again; ${byImport}`;
  }
}

const labelled = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()).default({}) }) });

function hasOurLabels(live: unknown): boolean {
  const parsed = labelled.safeParse(live);
  return parsed.success && bearsOurLabels(parsed.data.metadata.labels);
}
