/**
 * Serves a provider as a running plugin: a gRPC server on loopback whose port the engine reads from standard output.
 */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { trackCalls } from "./running-calls.ts";
import { engineLog } from "./engine-log.ts";
import { handlers } from "./handlers.ts";
import { watchParent } from "./watch-engine.ts";
import type { Provider } from "./provider.ts";

/** A server that answers. */
export interface Served {
  readonly port: number;
  /** Calls off what is under way and closes. */
  readonly stop: (why: string) => Promise<void>;
  /** Whether the engine has called everything off, as it does before it ends a plugin. */
  readonly isCancelled: () => boolean;
}

/**
 * The main function of a plugin: serves until the engine or the machine ends it. The engine gives its own address as
 * the first argument and reads the port from the first line of output.
 */
export async function servePlugin(provider: Provider): Promise<void> {
  const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-"));
  const served = await serve(provider, engineAddress);
  const end = (why: string): void => {
    // Nothing of ours may outlive the engine for long, whatever a call is stuck in.
    setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref();
    void served.stop(why).then(() => process.exit(0));
  };
  watchParent(() => end("the engine is gone"));
  process.once("SIGTERM", () => end("asked to stop"));
  // The terminal sends ^C to the whole group, and what it means is the engine's to decide. It says "cancel" first and
  // interrupts then; whoever stays has five seconds, which are the time of all plugins together.
  process.on("SIGINT", () => served.isCancelled() && end("asked to stop"));
  process.stdout.write(`${served.port}\n`);
}

/** Starts the server on a free port of 127.0.0.1. */
export async function serve(provider: Provider, engineAddress?: string): Promise<Served> {
  const log = engineLog();
  if (engineAddress !== undefined) log.attach(engineAddress);
  const calls = trackCalls();
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const reportBug = (stack: string): void => void process.stderr.write(`${stack}\n`);
  server.addService(providerGrpc.ResourceProviderService, handlers({ provider, calls, log, reportBug }));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    isCancelled: calls.areCancelled,
    stop: async (why) => {
      calls.cancelAll(why);
      await calls.idle();
      // The last answers still have to go out; a client that keeps its connection must not hold us up.
      await new Promise<void>((done) => {
        setTimeout(done, FAREWELL_MS).unref();
        server.tryShutdown(() => done());
      });
      server.forceShutdown();
    },
  };
}

const FAREWELL_MS = 500;
const STOP_LIMIT_MS = 5_000;
