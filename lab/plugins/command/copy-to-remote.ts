/** Implements `command:remote:CopyToRemote`: puts a local file, folder or text on a host over SFTP. */
import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import type { Client, SFTPWrapper } from "ssh2";
import { z } from "zod";
import { ProviderError } from "../../../providers/runtime/errors.ts";
import type { Call, Resource } from "../../../providers/runtime/provider.ts";
import { FileValue, revealMap, same } from "../../../providers/runtime/property-values.ts";
import type { PropertyMap } from "../../../providers/runtime/property-values.ts";
import { checkWith } from "./check.ts";
import { differences } from "./command.ts";
import { connection } from "./connection.ts";
import { onHost } from "./dial.ts";

const copyInputs = z.strictObject({
  connection,
  remotePath: z.string().min(1),
  source: z.instanceof(FileValue).refine((source) => contentOf(source) !== undefined, {
    error: "the source must be a local file or folder (FileAsset, FileArchive) or a text (StringAsset)",
  }),
  triggers: z.array(z.unknown()).optional(),
});

/** The resource. Deleting it leaves the copy where it is, as the official plugin does. */
export const copyToRemote: Resource = {
  check: async ({ inputs }) => checkWith(copyInputs, inputs),
  diff: async ({ state, oldInputs, inputs }) =>
    differences(Object.keys(oldInputs).length > 0 ? oldInputs : state, inputs),
  create: async ({ inputs, preview }, call) => {
    if (preview) return { id: "", state: inputs };
    await copy(inputs, call);
    return { id: randomBytes(4).toString("hex"), state: inputs };
  },
  update: async ({ state, inputs, preview }, call) => {
    const asBefore = same(state.source, inputs.source) && same(state.remotePath, inputs.remotePath);
    if (!preview && !asBefore) await copy(inputs, call);
    return inputs;
  },
  delete: async () => undefined,
};

type Content = { readonly text: string } | { readonly path: string };

function contentOf(source: FileValue): Content | undefined {
  const { text, path } = source.fields;
  if (typeof path === "string" && path !== "") return { path };
  return source.kind === "asset" && typeof text === "string" ? { text } : undefined;
}

function copy(inputs: PropertyMap, call: Call): Promise<void> {
  const { connection: to, source, remotePath } = copyInputs.parse(revealMap(inputs));
  return onHost(to, call, async (client) => {
    const sftp = await openSftp(client);
    const content = contentOf(source);
    if (content === undefined) return;
    if ("text" in content) await copyText(sftp, content.text, remotePath);
    else await copyPath(sftp, content.path, remotePath);
  });
}

async function copyText(sftp: SFTPWrapper, text: string, to: string): Promise<void> {
  if ((await kindOf(sftp, to)) === "folder")
    throw new ProviderError(`${to} is a folder on the host; name a file for a text`);
  await write(sftp, to, Buffer.from(text));
}

/** A folder without a trailing slash becomes a folder of its name in the target; with one, its content goes there. */
async function copyPath(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  const local = await stat(from).catch((error: Error) => {
    throw new ProviderError(`cannot copy ${from}: ${error.message}`);
  });
  if (!local.isDirectory()) {
    const target = (await kindOf(sftp, to)) === "folder" ? posix.join(to, basename(from)) : to;
    return write(sftp, target, await readFile(from));
  }
  await ensureFolder(sftp, to);
  const target = from.endsWith("/") ? to : posix.join(to, basename(from));
  await copyFolder(sftp, from, target);
}

async function copyFolder(sftp: SFTPWrapper, from: string, to: string): Promise<void> {
  await ensureFolder(sftp, to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), posix.join(to, entry.name)];
    if (entry.isDirectory()) await copyFolder(sftp, source, target);
    else await write(sftp, target, await readFile(source));
  }
}

async function ensureFolder(sftp: SFTPWrapper, path: string): Promise<void> {
  const kind = await kindOf(sftp, path);
  if (kind === "file") throw new ProviderError(`${path} exists on the host and is no folder`);
  if (kind === "nothing") await done(`make the folder ${path}`, (after) => sftp.mkdir(path, after));
}

const write = (sftp: SFTPWrapper, path: string, data: Buffer): Promise<void> =>
  done(`write ${path}`, (after) => sftp.writeFile(path, data, after));

function done(what: string, start: (after: (error: Error | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(new ProviderError(`cannot ${what} on the host: ${error.message}`)) : resolve()));
  });
}

function kindOf(sftp: SFTPWrapper, path: string): Promise<"nothing" | "file" | "folder"> {
  return new Promise((resolve, reject) => {
    sftp.stat(path, (error: (Error & { readonly code?: number }) | undefined, stats) => {
      if (error === undefined) resolve(stats.isDirectory() ? "folder" : "file");
      else if (error.code === NO_SUCH_FILE) resolve("nothing");
      else reject(new ProviderError(`cannot look at ${path} on the host: ${error.message}`));
    });
  });
}

function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.sftp((error, sftp) =>
      error ? reject(new ProviderError(`the host offers no SFTP: ${error.message}`)) : resolve(sftp),
    );
  });
}

/** The SFTP protocol's status for a path that is not there. */
const NO_SUCH_FILE = 2;
