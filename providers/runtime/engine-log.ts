/** Sends log lines to the engine, which shows them to the operator beside the resource that they are about. */
import { credentials } from "@grpc/grpc-js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import enginePb from "@pulumi/pulumi/proto/engine_pb.js";
import type { Log } from "./provider.ts";

/** The engine's log, or a mute one until its address is known. */
export interface EngineLog {
  readonly attach: (address: string) => void;
  /** A log for one resource; an empty URN speaks for the whole provider. */
  readonly of: (urn: string) => Log;
  /** Resolves when every line so far has arrived, so that none is lost when the call is answered. */
  readonly flushed: () => Promise<void>;
}

/** Starts detached; lines before {@link EngineLog.attach} are dropped, as there is nobody to read them. */
export function engineLog(): EngineLog {
  let client: InstanceType<typeof engineGrpc.EngineClient> | undefined;
  const underway = new Set<Promise<void>>();

  const send = (urn: string, severity: enginePb.LogSeverity, message: string, ephemeral: boolean): void => {
    const engine = client;
    if (engine === undefined || message === "") return;
    const request = new enginePb.LogRequest();
    request.setUrn(urn);
    request.setSeverity(severity);
    request.setMessage(message);
    request.setEphemeral(ephemeral);
    // A line that does not arrive is no reason to fail the step that it tells about.
    const sent = new Promise<void>((done) => engine.log(request, () => done()));
    underway.add(sent);
    void sent.then(() => underway.delete(sent));
  };

  return {
    attach: (address) => {
      client = new engineGrpc.EngineClient(address, credentials.createInsecure());
    },
    of: (urn) => ({
      debug: (message) => send(urn, enginePb.LogSeverity.DEBUG, message, false),
      info: (message) => send(urn, enginePb.LogSeverity.INFO, message, false),
      warning: (message) => send(urn, enginePb.LogSeverity.WARNING, message, false),
      progress: (message) => send(urn, enginePb.LogSeverity.INFO, message, true),
    }),
    flushed: async () => {
      await Promise.all(underway);
    },
  };
}
