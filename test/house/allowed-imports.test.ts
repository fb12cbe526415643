import { posix } from "node:path";
import { expect, test } from "vitest";
import { files, text } from "./sources.ts";

/** Who may import whom: the table of docs/architecture.md. A folder may always import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  "index.ts": ["@pulumi/pulumi", "stacks", "config"],
  roster: ["zod", "yaml", "jsonc-parser"],
  agent: [/^node:/, "zod", "esbuild", "ws", "portal/terminal/browser-files.ts"],
  clients: [/^node:/, "zod", "yaml", "ssh2"],
  config: [/^node:/, "zod", "roster", "clients"],
  components: [
    ...[/^node:/, /^@pulumi\//, "yaml", "roster", "agent/contract.ts"],
    ...[
      "clients/http/header-name.ts",
      "clients/http/browser-origin-headers.ts",
      "clients/http/compare-shared-secret.ts",
    ],
    ...["clients/http/web-socket-handshake.ts", "clients/http/forward-request.ts", "clients/http/open-limit.ts"],
    ...["clients/http/forward-web-socket.ts", "clients/http/find-ambiguity.ts", "clients/http/ingress-connections.ts"],
    "clients/http/when-closed.ts",
  ],
  stacks: [/^node:/, /^@pulumi\//, "zod", "esbuild", "components", "config", "clients", "roster", "agent"],
  providers: [/^node:/, /^@pulumi\//, /^@grpc\//, /^google-protobuf/, "zod", "clients"],
  // The board compares the forge and Vault by the providers' own code, so that no second rule of drift can differ from it.
  cli: [
    /^node:/,
    "yaml",
    "zod",
    "roster",
    "config",
    "clients",
    "stacks/offline",
    "providers",
    "agent/lib/map-schema.ts",
    "agent/shared/host-check.ts",
    "agent/shared/outside-programs.ts",
  ],
  ci: [
    ...[/^node:/, "yaml", "zod", "roster", "config", "clients", "cli"],
    ...["agent/shared/host-check.ts", "agent/lib/delivered-digests.ts", "launcher/load.mjs"],
  ],
  launcher: [/^node:/, "esbuild"],
  lab: [/./],
  portal: [
    /^node:/,
    "zod",
    "esbuild",
    ...["@xterm/xterm", "@xterm/addon-fit"],
    "agent/shared/terminal/protocol.ts",
    "agent/shared/facts/facts-schemas.ts",
    "agent/shared/facts/format.ts",
    "clients/http/header-name.ts",
    "clients/http/loopback-address.ts",
    "clients/http/browser-origin-headers.ts",
    "clients/http/compare-shared-secret.ts",
    "clients/http/web-socket-handshake.ts",
    "clients/http/forward-request.ts",
    "clients/http/open-limit.ts",
    "clients/http/when-closed.ts",
    "clients/http/forward-web-socket.ts",
    ...["clients/http/find-ambiguity.ts", "clients/http/hold-early-bytes.ts", "clients/http/ingress-connections.ts"],
  ],
};

const IMPORT = /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;

const importsOf = (file: string): string[] =>
  [...text(file).matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? "")
    .map((target) => (target.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), target)) : target));

const folderOf = (file: string) => file.split("/")[0] ?? file;

const sources = files(
  /^(index\.ts|(roster|agent|clients|components|config|stacks|providers|ci|cli|lab|launcher|portal)\/.*\.ts)$/,
);

test.each(sources)("%s imports only what its folder may", (file) => {
  const folder = folderOf(file);
  const allowed = MAY_IMPORT[folder] ?? [];
  const foreign = importsOf(file).filter(
    (target) =>
      folderOf(target) !== folder &&
      !allowed.some((rule) =>
        typeof rule === "string" ? target === rule || target.startsWith(`${rule}/`) : rule.test(target),
      ),
  );
  expect(foreign).toEqual([]);
});

/** What the table of docs/architecture.md says that each folder may import, by the folder's name. */
function importsTable(page = text("docs/architecture.md")): ReadonlyMap<string, readonly string[]> {
  const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name.replace(/\/$/, ""));
  const rows = page.split("\n## Folders of the source\n")[1]?.split("\n##")[0]?.split("\n") ?? [];
  return new Map(
    rows
      .filter((row) => row.startsWith("| `"))
      .map((row) => {
        const cells = row.split("|");
        return [names(cells[1] ?? "")[0] ?? "", names(cells.at(-2) ?? "")];
      }),
  );
}

const listed = importsTable();

test.each(Object.keys(MAY_IMPORT))(
  "docs/architecture.md lists for %s the folders and packages that it may import",
  (from) => {
    const isFolder = (name: string) => Object.hasOwn(MAY_IMPORT, name);
    // A part of a folder counts as the folder, since the page describes parts in words.
    const named = (targets: readonly string[]) =>
      [...new Set(targets.map((target) => (isFolder(folderOf(target)) ? folderOf(target) : target)))].sort();
    const rules = (MAY_IMPORT[from] ?? []).filter((rule) => typeof rule === "string");
    expect(named((listed.get(from) ?? []).filter((name) => name !== "node:"))).toEqual(named(rules));
  },
);

test("no component imports a component of another surface", () => {
  const surfaceOf = (path: string) => path.split("/")[1];
  const crossing = sources
    .filter((file) => folderOf(file) === "components")
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => folderOf(target) === "components" && surfaceOf(target) !== surfaceOf(file))
        .map((target) => `${file} -> ${target}`),
    );
  expect(crossing).toEqual([]);
});

/** Every file that is loaded with this one: static imports, without those of types alone. */
function loadedWith(entry: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  if (!entry.endsWith(".ts")) return seen;
  for (const [, what = "", target = ""] of text(entry).matchAll(STATIC_IMPORT)) {
    if (/^\s*type\b/.test(what) || isOfTypesAlone(what)) continue;
    loadedWith(target.startsWith(".") ? posix.normalize(posix.join(posix.dirname(entry), target)) : target, seen);
  }
  return seen;
}

const STATIC_IMPORT = /^\s*(?:import|export)\s([^"';]*?\sfrom\s|)"([^"]+)"/gm;

const isOfTypesAlone = (what: string): boolean => {
  const names = /^\s*\{([^}]*)\}/
    .exec(what)?.[1]
    ?.split(",")
    .filter((name) => name.trim() !== "");
  return names?.every((name) => /^\s*type\s/.test(name)) === true;
};

const ENGINE = /^(@pulumi|@grpc)\/|^google-protobuf/;

test.each([
  // A second of every start; only what works out resources without an engine loads it, when it does.
  ["./ws", ["cli/main.ts"]],
  ["the pipelines' steps", ["ci/steps.ts"]],
  ["config/ and clients/", sources.filter((file) => /^(config|clients)\//.test(file))],
])("%s: the Pulumi SDK is not loaded at the start", (_, entries) => {
  const loaded = entries.flatMap((entry) => [...loadedWith(entry)]);
  expect(loaded.filter((file) => ENGINE.test(file))).toEqual([]);
});
