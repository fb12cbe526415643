/** Builds the two answers of Drive's API that a reader needs: the listing of a folder and one file. */

import { createHash } from "node:crypto";
import { type Entry, FOLDER, SHORTCUT, type Tree } from "./file-tree.ts";

export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  /** Default: JSON. */
  readonly type?: string;
}

/** An error in Google's form. */
export const refuse = (code: number, message: string, reason = "badRequest"): Answer => ({
  status: code,
  body: JSON.stringify({ error: { code, message, errors: [{ reason, message, domain: "global" }] } }),
});

/** The files of one folder that the query `q` asks for, three a page so that a reader has to follow the pages. */
export function answerList(tree: Tree, url: URL, incomplete: boolean): Answer {
  const query = url.searchParams.get("q") ?? "";
  const parent = /'([^']+)' in parents/.exec(query)?.[1] ?? "";
  const name = /name='((?:[^'\\]|\\.)*)'/.exec(query)?.[1]?.replace(/\\(.)/g, "$1");
  const foldersOnly = query.includes(`(mimeType='${FOLDER}'`);
  const found = tree
    .children(parent)
    .filter((entry) => name === undefined || entry.name === name)
    .filter((entry) => !foldersOnly || entry.mimeType === FOLDER || entry.mimeType === SHORTCUT);
  const from = Number(url.searchParams.get("pageToken") ?? 0);
  const next = from + PAGE < found.length ? { nextPageToken: String(from + PAGE) } : {};
  const files = found.slice(from, from + PAGE).map((entry) => described(entry, tree));
  return { status: 200, body: JSON.stringify({ files, incompleteSearch: incomplete, ...next }) };
}

/** A file's bytes or its description, as the query asks. */
export function answerFile(entry: Entry, url: URL, changed: boolean): Answer {
  if (url.searchParams.get("alt") !== "media") return { status: 200, body: JSON.stringify(described(entry)) };
  if (entry.content === undefined) return refuse(403, "only files with bytes can be downloaded", "fileNotDownloadable");
  const body = changed ? Buffer.concat([entry.content, Buffer.from("changed meanwhile")]) : entry.content;
  return { status: 200, body, type: entry.mimeType };
}

const PAGE = 3;

const described = (entry: Entry, tree?: Tree) => ({
  id: entry.id,
  name: entry.name,
  mimeType: entry.mimeType,
  parents: [entry.parent],
  trashed: false,
  createdTime: entry.modified.toISOString(),
  modifiedTime: entry.modified.toISOString(),
  ...(entry.content === undefined
    ? {}
    : { size: String(entry.content.length), md5Checksum: createHash("md5").update(entry.content).digest("hex") }),
  ...(entry.target === undefined
    ? {}
    : {
        shortcutDetails: { targetId: entry.target, targetMimeType: tree?.get(entry.target)?.mimeType ?? "text/html" },
      }),
});
