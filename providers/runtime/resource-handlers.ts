/** Handles the protocol's calls about single resources: check, diff, create, read, update, delete. */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { timeoutFrom } from "./running-calls.ts";
import { checkResponse } from "./check-response.ts";
import { isIgnored } from "./differences.ts";
import type { Change, Differences } from "./differences.ts";
import { unsupported } from "./errors.ts";
import type { Autonaming, Call, Provider, Resource } from "./provider.ts";
import type { Serving } from "./handler-context.ts";
import { unary } from "./unary-call.ts";
import { decode, encode } from "./encode-properties.ts";

/** The handlers by their name in the protocol. */
export function resourceHandlers(serving: Serving): UntypedServiceImplementation {
  return {
    check: unary(serving, (request: providerPb.CheckRequest) =>
      step(serving, request, 0, async (resource, call) => {
        const inputs = decode(request.getNews());
        const checked = await resource.check?.(
          {
            oldInputs: request.hasOlds() ? decode(request.getOlds()) : undefined,
            inputs,
            randomSeed: request.getRandomseed_asU8(),
            autonaming: autonamingOf(request),
          },
          call,
        );
        return checkResponse(checked ?? { inputs, failures: [] });
      }),
    ),
    diff: unary(serving, (request: providerPb.DiffRequest) =>
      step(serving, request, 0, async (resource, call) => {
        const ignoreChanges = request.getIgnorechangesList();
        const differences = await resource.diff(
          {
            id: request.getId(),
            state: decode(request.getOlds()),
            oldInputs: decode(request.getOldInputs()),
            inputs: decode(request.getNews()),
            ignoreChanges,
          },
          call,
        );
        return diffResponse(differences, ignoreChanges);
      }),
    ),
    create: unary(serving, (request: providerPb.CreateRequest) =>
      step(serving, request, request.getTimeout(), async (resource, call) => {
        const created = await resource.create(
          { inputs: decode(request.getProperties()), preview: request.getPreview() },
          call,
        );
        const answer = new providerPb.CreateResponse();
        answer.setId(created.id);
        answer.setProperties(encode(created.state));
        return answer;
      }),
    ),
    read: unary(serving, (request: providerPb.ReadRequest) =>
      step(serving, request, request.getTimeout(), async (resource, call) => {
        if (resource.read === undefined) return readUnchanged(request);
        const found = await resource.read(
          { id: request.getId(), state: decode(request.getProperties()), inputs: decode(request.getInputs()) },
          call,
        );
        const answer = new providerPb.ReadResponse();
        if (found === undefined) return answer; // an empty id says "gone"
        answer.setId(found.id);
        answer.setProperties(encode(found.state));
        answer.setInputs(encode(found.inputs));
        return answer;
      }),
    ),
    update: unary(serving, (request: providerPb.UpdateRequest) =>
      step(serving, request, request.getTimeout(), async (resource, call) => {
        if (resource.update === undefined) throw unsupported(`${call.type} cannot be updated in place`);
        const state = await resource.update(
          {
            id: request.getId(),
            state: decode(request.getOlds()),
            oldInputs: decode(request.getOldInputs()),
            inputs: decode(request.getNews()),
            ignoreChanges: request.getIgnorechangesList(),
            preview: request.getPreview(),
          },
          call,
        );
        const answer = new providerPb.UpdateResponse();
        answer.setProperties(encode(state));
        return answer;
      }),
    ),
    delete: unary(serving, (request: providerPb.DeleteRequest) =>
      step(serving, request, request.getTimeout(), async (resource, call) => {
        const state = decode(request.getProperties());
        await resource.delete({ id: request.getId(), state, oldInputs: decode(request.getOldInputs()) }, call);
        return new emptyPb.Empty();
      }),
    ),
  };
}

interface ResourceRequest {
  getUrn(): string;
  getName(): string;
  getType(): string;
}

async function step<T>(
  serving: Serving,
  request: ResourceRequest,
  timeoutSeconds: number,
  work: (resource: Resource, call: Call) => Promise<T>,
): Promise<T> {
  const urn = request.getUrn();
  const type = request.getType() || typeOf(urn);
  const resource = knownResource(serving.provider, type);
  const timeoutMs = timeoutFrom(timeoutSeconds);
  const name = request.getName() || urn.slice(urn.lastIndexOf("::") + 2);
  return serving.calls.run(timeoutMs, (signal) =>
    work(resource, { urn, name, type, signal, timeoutMs, log: serving.log.of(urn) }),
  );
}

function knownResource(provider: Provider, type: string): Resource {
  const resource = provider.resource(type);
  if (resource === undefined) throw unsupported(`${provider.name} ${provider.version} has no resource type ${type}`);
  return resource;
}

/** The type in `urn:pulumi:STACK::PROJECT::PARENT_TYPE$TYPE::NAME`. */
function typeOf(urn: string): string {
  const qualified = urn.split("::")[2] ?? "";
  return qualified.slice(qualified.lastIndexOf("$") + 1);
}

function autonamingOf(request: providerPb.CheckRequest): Autonaming | undefined {
  const options = request.getAutonaming();
  if (options === undefined) return undefined;
  const mode = AUTONAMING_MODES[options.getMode()];
  return { mode, proposedName: options.getProposedName() };
}

function readUnchanged(request: providerPb.ReadRequest): providerPb.ReadResponse {
  const answer = new providerPb.ReadResponse();
  answer.setId(request.getId());
  answer.setProperties(request.getProperties());
  answer.setInputs(request.getInputs());
  return answer;
}

function diffResponse(differences: Differences, ignoreChanges: readonly string[]): providerPb.DiffResponse {
  const changes = differences.changes.filter((change) => !isIgnored(change.path, ignoreChanges));
  const answer = new providerPb.DiffResponse();
  const some = changes.length > 0 || differences.force === true;
  answer.setChanges(some ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE);
  answer.setReplacesList(changes.filter((change) => change.replaces).map((change) => change.path));
  answer.setDiffsList([...new Set(changes.map((change) => change.path.split(/[.[]/)[0] ?? change.path))]);
  answer.setDeletebeforereplace(differences.deleteBeforeReplace ?? false);
  answer.setHasdetaileddiff(true);
  for (const change of changes) answer.getDetaileddiffMap().set(change.path, propertyDiff(change));
  return answer;
}

function propertyDiff(change: Change): providerPb.PropertyDiff {
  const diff = new providerPb.PropertyDiff();
  const [inPlace, replacing] = DIFF_KINDS[change.kind];
  diff.setKind(change.replaces ? replacing : inPlace);
  diff.setInputdiff(change.inputDiff);
  return diff;
}

const { DiffChanges } = providerPb.DiffResponse;
const { Kind } = providerPb.PropertyDiff;

const DIFF_KINDS = {
  add: [Kind.ADD, Kind.ADD_REPLACE],
  delete: [Kind.DELETE, Kind.DELETE_REPLACE],
  update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
} as const;

const AUTONAMING_MODES = ["propose", "enforce", "disable"] as const;
