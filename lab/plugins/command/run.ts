/** Runs one command on the host and says how it ended, in the official plugin's words. */
import { StringDecoder } from "node:string_decoder";
import type { Client, ClientChannel } from "ssh2";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { Call } from "../../../providers/runtime/provider.ts";
import type { Connection } from "./connection.ts";
import { onHost } from "./dial.ts";

/** Which of the command's outputs the operator sees as they come. */
export type Logging = "stdout" | "stderr" | "stdoutAndStderr" | "none";

/** A command line for the host's shell. Secrets belong on `stdin`: the text is printed when it fails. */
export interface RemoteCommand {
  readonly text: string;
  readonly stdin: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logging: Logging;
}

/** What the command wrote, each without its last line break. */
export interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Throws when the host cannot be reached, and when the command ends in anything but 0. */
export function runRemote(to: Connection, command: RemoteCommand, call: Call): Promise<Output> {
  return onHost(to, call, async (client) => {
    const channel = await start(client, command);
    const written = { stdout: "", stderr: "", both: "" };
    follow(channel, "stdout", written, command.logging, call);
    follow(channel.stderr, "stderr", written, command.logging, call);
    const ended = exit(channel);
    // A command that ends without reading its input closes the pipe; how it ended is told by its status.
    channel.on("error", (error: Error) => call.log.debug(`ssh channel: ${error.message}`));
    channel.end(command.stdin);
    const how = await ended;
    if (how !== undefined) {
      throw new ProviderError(`${how}: running ${JSON.stringify(command.text)}:\n${written.both}`);
    }
    return { stdout: written.stdout.replace(/\n$/, ""), stderr: written.stderr.replace(/\n$/, "") };
  });
}

function start(client: Client, command: RemoteCommand): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command.text, { env: command.environment }, (error, channel) =>
      error ? reject(new ProviderError(`the host does not start a command: ${error.message}`)) : resolve(channel),
    );
  });
}

/** Undefined for exit status 0, otherwise how the command ended. */
function exit(channel: ClientChannel): Promise<string | undefined> {
  return new Promise((resolve) => {
    let how: string | undefined = "wait: remote command exited without exit status or exit signal";
    channel.on("exit", (status: number | null, signal?: string) => {
      if (status === 0) how = undefined;
      else if (status !== null) how = `Process exited with status ${status}`;
      else how = `Process exited with status 1 from signal ${signal ?? "unknown"}`;
    });
    channel.on("close", () => resolve(how));
  });
}

function follow(
  stream: NodeJS.ReadableStream,
  name: "stdout" | "stderr",
  written: { stdout: string; stderr: string; both: string },
  logging: Logging,
  call: Call,
): void {
  const decoder = new StringDecoder("utf8");
  const shown = logging === "stdoutAndStderr" || logging === name;
  let line = "";
  stream.on("data", (chunk: Buffer) => {
    const text = decoder.write(chunk);
    written[name] += text;
    written.both += text;
    const lines = (line + text).split("\n");
    line = lines.pop() ?? "";
    if (shown) for (const whole of lines) call.log.info(whole);
  });
  stream.on("end", () => shown && call.log.info(line));
}
