/** Binds the protocol's calls to a provider: whole-provider calls here, those of single resources beside. */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { status } from "@grpc/grpc-js";
import pluginPb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import { checkResponse } from "./check-response.ts";
import { ProviderError, unsupported } from "./errors.ts";
import { resourceHandlers } from "./resource-handlers.ts";
import type { Serving } from "./handler-context.ts";
import { unary } from "./unary-call.ts";
import { same } from "./property-values.ts";
import { decode, encode } from "./encode-properties.ts";

/** All calls that this runtime answers; what is missing here is answered with UNIMPLEMENTED by gRPC itself. */
export function handlers(serving: Serving): UntypedServiceImplementation {
  const { provider, calls, log } = serving;
  return {
    handshake: unary(serving, async (request: providerPb.ProviderHandshakeRequest) => {
      log.attach(request.getEngineAddress());
      const answer = new providerPb.ProviderHandshakeResponse();
      answer.setAcceptSecrets(true);
      answer.setSupportsAutonamingConfiguration(true);
      return answer;
    }),
    attach: unary(serving, async (request: pluginPb.PluginAttach) => {
      log.attach(request.getAddress());
      return new emptyPb.Empty();
    }),
    getPluginInfo: unary(serving, async () => {
      const answer = new pluginPb.PluginInfo();
      answer.setVersion(provider.version);
      return answer;
    }),
    getSchema: unary(serving, async () => {
      const answer = new providerPb.GetSchemaResponse();
      answer.setSchema(JSON.stringify({ name: provider.name, version: provider.version }));
      return answer;
    }),
    parameterize: unary(serving, async () => {
      throw unsupported(`the provider ${provider.name} takes no parameters`);
    }),
    construct: unary(serving, async (request: providerPb.ConstructRequest) => {
      throw unsupported(`${provider.name} has no component ${request.getType()}`);
    }),
    cancel: unary(serving, async () => {
      calls.cancelAll("cancelled by the operator");
      return new emptyPb.Empty();
    }),
    ...configHandlers(serving),
    ...resourceHandlers(serving),
  };
}

function configHandlers(serving: Serving): UntypedServiceImplementation {
  const { provider, log } = serving;
  return {
    checkConfig: unary(serving, async (request: providerPb.CheckRequest) => {
      const inputs = decode(request.getNews());
      const checked = await provider.checkConfig?.({ inputs });
      return checkResponse(checked ?? { inputs, failures: [] });
    }),
    diffConfig: unary(serving, async (request: providerPb.DiffRequest) => {
      const old = decode(request.getOldInputs() ?? request.getOlds());
      const news = decode(request.getNews());
      const changed = [...new Set([...Object.keys(old), ...Object.keys(news)])].filter((k) => !same(old[k], news[k]));
      const answer = new providerPb.DiffResponse();
      answer.setChanges(changed.length === 0 ? DiffChanges.DIFF_NONE : DiffChanges.DIFF_SOME);
      answer.setDiffsList(changed);
      answer.setReplacesList(changed.filter((name) => provider.replacingConfig?.includes(name)));
      return answer;
    }),
    configure: unary(serving, async (request: providerPb.ConfigureRequest) => {
      if (!request.getAcceptsecrets()) {
        throw new ProviderError("this engine does not take secrets; use Pulumi 3.75 or newer", {
          code: status.FAILED_PRECONDITION,
        });
      }
      await provider.configure?.(decode(request.getArgs()), log.of(""));
      const answer = new providerPb.ConfigureResponse();
      answer.setAcceptsecrets(true);
      answer.setSupportspreview(true);
      answer.setSupportsAutonamingConfiguration(true);
      return answer;
    }),
    invoke: unary(serving, async (request: providerPb.InvokeRequest) => {
      const token = request.getTok();
      const { invoke } = provider;
      if (invoke === undefined) throw unsupported(`${provider.name} has no function ${token}`);
      const result = await serving.calls.run(undefined, (signal) =>
        invoke(token, decode(request.getArgs()), {
          ...{ urn: "", name: token, type: token, signal, timeoutMs: undefined },
          log: log.of(""),
        }),
      );
      const answer = new providerPb.InvokeResponse();
      answer.setReturn(encode(result));
      return answer;
    }),
  };
}

const { DiffChanges } = providerPb.DiffResponse;
