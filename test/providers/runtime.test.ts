/** The runtime of our providers, asked by a real gRPC client the way the engine asks. */
import { EventEmitter, once } from "node:events";
import { credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import { afterEach, expect, test } from "vitest";
import { PartialFailure, ProviderError } from "../../providers/runtime/errors.ts";
import type { Provider } from "../../providers/runtime/provider.ts";
import { serve } from "../../providers/runtime/serve.ts";
import type { Served } from "../../providers/runtime/serve.ts";
import { typedResource } from "../../providers/runtime/typed-resource.ts";
import { hasUnknown, Secret, UNKNOWN } from "../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../providers/runtime/property-values.ts";
import { decode, encode } from "../../providers/runtime/encode-properties.ts";

interface Want extends PropertyMap {
  readonly title: string;
  readonly password: string;
}

interface Have extends Want {
  readonly token: string;
}

/** Tells a test that a slow creation is under way. */
const begun = new EventEmitter();

const note = typedResource<Want, Have>({
  parse: (inputs) =>
    typeof inputs.title === "string" && inputs.title !== ""
      ? { ok: true, want: { title: inputs.title, password: String(inputs.password ?? "") } }
      : { ok: false, failures: [{ property: "title", reason: "a title is needed" }] },
  remember: (state) => state as Have,
  ...{ secrets: ["token"], computed: ["token"], replaceOn: ["title"] },
  create: async (want, call) => {
    if (want.title === "bad") throw new ProviderError("the server said no");
    if (want.title === "bug") throw new TypeError("undefined is not a function");
    if (want.title === "half")
      throw new PartialFailure({ id: "h", state: { ...want, token: "t" }, reasons: ["not ready"] });
    if (want.title === "slow") {
      begun.emit("slow");
      await new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
    }
    return { id: "1", have: { ...want, token: "made" } };
  },
  update: async (_id, have, want) => ({ ...have, ...want }),
  delete: async () => undefined,
});

const provider: Provider = {
  name: "notes",
  version: "1.0.0",
  resource: (type) => (type === "notes:index:Note" ? note : undefined),
};

let served: Served | undefined;
afterEach(async () => served?.stop("the test is over"));

test("secrets that come in go out secret, and always-secret outputs too", async () => {
  const client = await connect();
  const created = await create(client, { title: "a", password: new Secret("p") });
  expect(decode(created.getProperties())).toEqual({ title: "a", password: new Secret("p"), token: new Secret("made") });
});

test("a preview knows what was asked, and not what the server will make", async () => {
  const client = await connect();
  const state = decode((await create(client, { title: "a", password: UNKNOWN }, { preview: true })).getProperties());
  expect(state.title).toBe("a");
  expect([hasUnknown(state.password), hasUnknown(state.token)]).toEqual([true, true]);
});

test("a check names every bad input, and none while values are unknown", async () => {
  const client = await connect();
  expect((await check(client, { title: "" })).getFailuresList().map((f) => [f.getProperty(), f.getReason()])).toEqual([
    ["title", "a title is needed"],
  ]);
  expect((await check(client, { title: UNKNOWN })).getFailuresList()).toEqual([]);
});

test("a diff names the fields, and a field that cannot change replaces", async () => {
  const client = await connect();
  const request = new providerPb.DiffRequest();
  request.setUrn(URN);
  request.setOlds(encode({ title: "a", password: new Secret("p"), token: new Secret("made") }));
  request.setOldInputs(encode({ title: "a", password: new Secret("p") }));
  request.setNews(encode({ title: "b", password: new Secret("q") }));
  const answer = await new Promise<providerPb.DiffResponse>((ok, no) =>
    client.diff(request, (e, r) => (e ? no(e) : ok(r))),
  );
  const kinds = Object.fromEntries(
    answer
      .getDetaileddiffMap()
      .toArray()
      .map(([path, diff]) => [path, (diff as unknown as providerPb.PropertyDiff).getKind?.()]),
  );
  expect(Object.keys(kinds).sort()).toEqual(["password", "title"]);
  expect(answer.getReplacesList()).toEqual(["title"]);
});

test("an expected failure is one plain sentence; a half-made object brings its state, still secret", async () => {
  const client = await connect();
  const plain = await failure(create(client, { title: "bad", password: "" }));
  expect(plain.details).toBe("the server said no");
  const half = await failure(create(client, { title: "half", password: new Secret("canary") }));
  expect(half.metadata.get("grpc-status-details-bin")).toHaveLength(1);
  const details = Buffer.from(half.metadata.get("grpc-status-details-bin")[0] as Buffer).toString("latin1");
  expect(details).toContain("ErrorResourceInitFailed");
  expect(details).toContain("1b47061264138c4ac30d75fd1eb44270");
});

test("a type that the provider does not have is refused by name", async () => {
  const client = await connect();
  const request = new providerPb.CreateRequest();
  request.setUrn("urn:pulumi:s::p::notes:index:Book::b");
  const error = await failure(new Promise((ok, no) => client.create(request, (e, r) => (e ? no(e) : ok(r)))));
  expect(error.details).toBe("notes 1.0.0 has no resource type notes:index:Book");
});

test("a cancellation ends the work under way and refuses what comes later", async () => {
  const client = await connect();
  const started = once(begun, "slow");
  const slow = failure(create(client, { title: "slow", password: "" }));
  await started;
  await served?.stop("cancelled by the operator");
  expect((await slow).details).toBe("cancelled by the operator");
});

const URN = "urn:pulumi:s::p::notes:index:Note::n";

async function connect(): Promise<InstanceType<typeof providerGrpc.ResourceProviderClient>> {
  served = await serve(provider);
  return new providerGrpc.ResourceProviderClient(`127.0.0.1:${served.port}`, credentials.createInsecure());
}

type Client = Awaited<ReturnType<typeof connect>>;

function create(
  client: Client,
  inputs: PropertyMap,
  options: { readonly preview?: boolean } = {},
): Promise<providerPb.CreateResponse> {
  const request = new providerPb.CreateRequest();
  request.setUrn(URN);
  request.setProperties(encode(inputs));
  request.setPreview(options.preview ?? false);
  return new Promise((ok, no) => client.create(request, (error, answer) => (error ? no(error) : ok(answer))));
}

function check(client: Client, inputs: PropertyMap): Promise<providerPb.CheckResponse> {
  const request = new providerPb.CheckRequest();
  request.setUrn(URN);
  request.setNews(encode(inputs));
  return new Promise((ok, no) => client.check(request, (error, answer) => (error ? no(error) : ok(answer))));
}

async function failure(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: ServiceError) => error,
  );
}
