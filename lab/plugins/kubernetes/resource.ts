/**
 * Implements any Kubernetes object as a Pulumi resource: check, diff, create, read, update and delete, as the official
 * plugin does them.
 */
import { status } from "@grpc/grpc-js";
import { PartialFailure, ProviderError } from "../../../providers/runtime/errors.ts";
import type { Call, Resource, UpdateArgs } from "../../../providers/runtime/provider.ts";
import { hasUnknown, revealMap } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import { ApiError } from "./api.ts";
import { untilReady } from "./await/wait.ts";
import { check } from "./check.ts";
import { diff } from "./diff.ts";
import type { RestMapping } from "./discovery.ts";
import { apiVersionOf, gvkOfToken, idOf, objectName, partsOf, put, textAt } from "./objects.ts";
import { gvkOfObject } from "./session.ts";
import type { Session } from "./session.ts";
import { asInputs, normal, pruned } from "./normalize.ts";
import { fieldManagerOf, liveOf, markSecrets, stateOf } from "./state.ts";
import * as writes from "./write-object.ts";

/** All kinds are served alike; `session` is asked for late, since the provider is configured after it is made. */
export function kubernetesResource(session: () => Session): Resource {
  return {
    check: (args, call) => check(session(), args, call),
    diff: async (args) => diff(args, await isNamespaced(session(), args.inputs), session().config),
    create: async ({ inputs, preview }, call) => {
      const object = scoped(session(), inputs);
      const mapping = preview ? await previewMapping(session(), inputs) : await session().requireMapping(inputs);
      if (mapping === undefined) return { id: "", state: inputs };
      const fieldManager = fieldManagerOf({});
      const write = {
        session: session(),
        mapping,
        object: withMapping(object, mapping),
        fieldManager,
        dryRun: preview,
        call,
      };
      if (preview) return { id: "", state: await previewed(() => writes.create(write), inputs, fieldManager) };
      const written = await told(write.object, "created", () => writes.create(write));
      if (textAt(written, "kind") === "CustomResourceDefinition") session().forgetKinds();
      return { id: idOf(written), state: await settled(session(), mapping, written, inputs, fieldManager, call) };
    },
    update: (args, call) => update(session(), args, call),
    read: async ({ id, state, inputs }, call) => {
      const object = { ...identity(id, Object.keys(inputs).length > 0 ? inputs : liveOf(state), call.type) };
      const mapping = await session().mappingOf(object);
      const live = mapping && (await writes.read(session(), mapping, object, call.signal));
      if (live === undefined) return undefined;
      const imported = Object.keys(inputs).length === 0;
      const seen = imported ? asInputs(live) : (pruned(live, normal(inputs)) as PropertyMap);
      const model = imported ? state : inputs;
      const named =
        textAt(inputs, "metadata", "namespace") === "" && !imported
          ? put(seen, ["metadata", "namespace"], undefined)
          : seen;
      return { id, state: stateOf(live, model, fieldManagerOf(state), named), inputs: markSecrets(named) };
    },
    delete: async ({ id, state }, call) => {
      const object = { ...liveOf(revealMap(state)), ...identity(id, liveOf(state), call.type, revealMap(state)) };
      const mapping = await session().mappingOf(object);
      // A kind that the server no longer has takes its objects with it.
      if (mapping !== undefined) await writes.remove(session(), mapping, object, call);
    },
  };
}

async function update(session: Session, args: UpdateArgs, call: Call): Promise<PropertyMap> {
  const { inputs, preview } = args;
  const mapping = preview ? await previewMapping(session, inputs) : await session.requireMapping(inputs);
  if (mapping === undefined) return inputs;
  const fieldManager = fieldManagerOf(args.state);
  const object = withMapping(scoped(session, inputs), mapping);
  const live = await writes.read(session, mapping, object, call.signal);
  if (live === undefined) {
    throw new ProviderError(
      `${objectName(gvkOfObject(object), object)} not found: it is gone from the cluster; run a refresh, and the next update makes it anew`,
      { code: status.NOT_FOUND },
    );
  }
  const kept = keepIgnored(object, live, args.ignoreChanges);
  const write = { session, mapping, object: kept, fieldManager, dryRun: preview, call };
  if (preview) return previewed(() => writes.update(write, live), inputs, fieldManager);
  const written = await told(object, "updated", () => writes.update(write, live));
  return settled(session, mapping, written, inputs, fieldManager, call);
}

/** A field that the program ignores is sent as it is: leaving it out would remove it, sending the old would undo others. */
function keepIgnored(object: PropertyMap, live: PropertyMap, ignoreChanges: readonly string[]): PropertyMap {
  return ignoreChanges.reduce((kept, path) => {
    const names = path.split(".");
    const value = names.reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], live);
    return value === undefined ? kept : put(kept, names, value as PropertyMap);
  }, object);
}

async function settled(
  session: Session,
  mapping: RestMapping,
  written: PropertyMap,
  inputs: PropertyMap,
  fieldManager: string,
  call: Call,
): Promise<PropertyMap> {
  const { live, reasons } = await untilReady(session, mapping, written, call).catch((error: Error) => ({
    // It exists whatever went wrong afterwards; forgetting it now would leave an object that nobody manages.
    live: written,
    reasons: [error.message],
  }));
  const state = stateOf(live, inputs, fieldManager);
  if (reasons.length === 0) return state;
  const name = objectName(gvkOfObject(live), live);
  throw new PartialFailure({ id: idOf(live), state, inputs, reasons: reasons.map((reason) => `${name}: ${reason}`) });
}

/** In a preview the server may refuse for what the update brings along first: then the inputs are all that is known. */
async function previewed(
  ask: () => Promise<PropertyMap>,
  inputs: PropertyMap,
  fieldManager: string,
): Promise<PropertyMap> {
  try {
    const { status: _status, ...object } = await ask();
    return stateOf(object, inputs, fieldManager);
  } catch (error) {
    if (error instanceof ApiError && TOLERATED.has(error.reason)) return inputs;
    throw error;
  }
}

/** Undefined when the server cannot be asked: values or the whole cluster are still unknown, or the kind is yet to come. */
async function previewMapping(session: Session, inputs: PropertyMap): Promise<RestMapping | undefined> {
  if (!session.known || hasUnknown(inputs)) return undefined;
  return session.mappingOf(inputs);
}

async function isNamespaced(session: Session, inputs: PropertyMap): Promise<boolean> {
  if (!session.known) return true;
  return (await session.mappingOf(inputs))?.namespaced ?? true;
}

function scoped(session: Session, inputs: PropertyMap): PropertyMap {
  const object = revealMap(inputs);
  return textAt(object, "metadata", "namespace") === "" && session.known
    ? put(object, ["metadata", "namespace"], session.defaultNamespace)
    : object;
}

const withMapping = (object: PropertyMap, mapping: RestMapping): PropertyMap =>
  mapping.namespaced ? object : put(object, ["metadata", "namespace"], undefined);

async function told<T>(object: PropertyMap, done: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const name = objectName(gvkOfObject(object), object);
    throw new ProviderError(
      `resource ${name} was not successfully ${done} by the Kubernetes API server: ${error.message}`,
      {
        ...{ code: error.code, cause: error },
      },
    );
  }
}

/** Who an id speaks of: kind from the inputs or the state, or for an import from the resource's type. */
function identity(id: string, known: PropertyMap, type: string, more: PropertyMap = {}): PropertyMap {
  const gvk = textAt(known, "kind") === "" ? gvkOfToken(type) : gvkOfObject(known);
  const { namespace, name } = partsOf(id);
  const metadata = { ...(more.metadata as PropertyMap | undefined), name, ...(namespace !== "" && { namespace }) };
  return { apiVersion: apiVersionOf(gvk), kind: gvk.kind, metadata };
}

/** A missing namespace, a missing right, an object that a replacement removes first. */
const TOLERATED: ReadonlySet<string> = new Set(["NotFound", "Forbidden", "AlreadyExists"]);
