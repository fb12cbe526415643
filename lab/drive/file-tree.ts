/** Holds the files of the emulated Drive by id and parent, as Drive keeps them, so that two may have the same name. */

import { createHash } from "node:crypto";

export interface Entry {
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly mimeType: string;
  /** Absent for what has no bytes: folders, documents of Google's own formats, shortcuts. */
  readonly content?: Buffer;
  readonly modified: Date;
  /** Id that a shortcut leads to. */
  readonly target?: string;
}

export const FOLDER = "application/vnd.google-apps.folder";
export const DOCUMENT = "application/vnd.google-apps.document";
export const SHORTCUT = "application/vnd.google-apps.shortcut";

/** A Drive's content. Paths are for the caller's ease; the `/` in a name of `add` is part of the name. */
export class Tree {
  readonly root = "root-id";
  #entries = new Map<string, Entry>();
  #count = 0;

  /** Adds one entry, even beside another of the same name. */
  add(entry: Pick<Entry, "parent" | "name" | "mimeType"> & Partial<Entry>): Entry {
    const added = { id: `id-${++this.#count}`, modified: new Date(), ...entry };
    this.#entries.set(added.id, added);
    return added;
  }

  /** Id of the folder at a path, made where it is not there. */
  folder(path: string): string {
    return path
      .split("/")
      .filter((name) => name !== "")
      .reduce(
        (parent, name) => this.#named(parent, name)?.id ?? this.add({ parent, name, mimeType: FOLDER }).id,
        this.root,
      );
  }

  /** Writes a file, in the place of the one that is there. */
  put(path: string, content: string | Buffer, modified = new Date()): Entry {
    const [parent, name] = this.#split(path);
    const id = this.#named(parent, name)?.id;
    return this.add({
      parent,
      name,
      mimeType: "text/html",
      content: Buffer.from(content),
      modified,
      ...(id === undefined ? {} : { id }),
    });
  }

  remove(path: string): void {
    const found = this.#named(...this.#split(path));
    if (found === undefined) throw new Error(`${path}: not in the lab's Drive`);
    this.#entries.delete(found.id);
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  children(parent: string): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.parent === parent);
  }

  /** A digest of everything in it: equal before and after means that nobody wrote. */
  digest(): string {
    const all = [...this.#entries.values()].map((entry) => ({ ...entry, content: entry.content?.toString("base64") }));
    return createHash("sha256").update(JSON.stringify(all)).digest("hex");
  }

  #named(parent: string, name: string): Entry | undefined {
    return this.children(parent).find((entry) => entry.name === name);
  }

  #split(path: string): [string, string] {
    const at = path.lastIndexOf("/");
    return [this.folder(path.slice(0, Math.max(at, 0))), path.slice(at + 1)];
  }
}
