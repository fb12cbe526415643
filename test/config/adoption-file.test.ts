/** The file of what is adopted: read whole or not at all, and what it names is handed over only where nobody else owns it. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { adoptedNamespaces, NAMESPACE_TYPE, readAdoption, writeAdoption } from "../../config/adoption-file.ts";
import { foreignNamespaces } from "../../stacks/preflight/unmanaged-namespaces.ts";
import { tenanciesOf } from "../../stacks/preflight/namespace-owners.ts";
import { derived, rosterOf, row } from "../roster/support.ts";

const folder = mkdtempSync(join(tmpdir(), "ws-adopt-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "adopt.json");
const read = (text: string) => {
  writeFileSync(file, text);
  return readAdoption({ adopt: file });
};

test("what was written is read back, and nothing is adopted where nothing is named", () => {
  const resources = [{ type: NAMESPACE_TYPE, name: "tenant-books", id: "books" }];
  expect(read(writeAdoption(resources))).toEqual(resources);
  expect(adoptedNamespaces(resources)).toEqual(new Set(["books"]));
  expect(readAdoption({})).toBeUndefined();
});

test.each([
  ["no JSON", "{", "cannot be read"],
  ["another file", '{"version":1,"people":{}}', "it is not what ./ws import writes"],
  ["an entry without an id", '{"version":1,"resources":[{"type":"a","name":"b","id":""}]}', "resources.0.id"],
])("%s is refused with the setting's name", (_, text, message) => {
  expect(() => read(text)).toThrow(message);
  expect(() => read(text)).toThrow("which workstation:adopt names");
});

test("a file that is missing is refused", () => {
  expect(() => readAdoption({ adopt: join(folder, "gone.json") })).toThrow(/gone\.json: what is adopted.*ENOENT/);
});

test("a namespace that is named is taken where it is nobody's, and not from somebody else", () => {
  const { desired } = derived(rosterOf(row("cleo", "namespaces: [books, films]", "namespace-owner")));
  const namespace = (name: string, labels?: Record<string, string>) => [name, { metadata: { name, labels } }] as const;
  const facts = {
    namespaces: new Map([namespace("books"), namespace("films", { "workstation/owner": "dora" })]),
    ...{ quotas: [], bindings: [], stores: [], roles: [], apiServers: [] },
  };
  const refused = (...handedOver: string[]) => foreignNamespaces(tenanciesOf(desired), facts, new Set(handedOver));
  expect(refused().map((line) => line.split(" exists")[0])).toEqual([
    "cleo: the namespace books",
    "cleo: the namespace films",
  ]);
  expect(refused("books", "films")).toEqual([expect.stringMatching(/films exists already and belongs to dora/)]);
});
