import { posix } from "node:path";
import { expect, test } from "vitest";
import { files, text } from "./sources.ts";

/** Who may import whom: the table of docs/architecture.md. A room may always import itself and `node:`, where it says so. */
const MAY_IMPORT: Readonly<Record<string, readonly (string | RegExp)[]>> = {
  "index.ts": ["@pulumi/pulumi", "stacks"],
  roster: ["zod", "yaml"],
  agent: [/^node:/, "zod", "esbuild"],
  components: [/^node:/, /^@pulumi\//, "yaml", "roster", "agent/contract.ts"],
  stacks: [/^node:/, /^@pulumi\//, "zod", "yaml", "esbuild", "components", "roster", "agent"],
  providers: [/^node:/, /^@pulumi\//, /^@grpc\//, /^google-protobuf/, "zod", "stacks/kube-api.ts"],
  // The board sees the forge and Vault with the providers' own eyes, so that no second rule of drift can differ from theirs.
  cli: [/^node:/, "yaml", "zod", "ssh2", "roster", "stacks", "providers"],
  ci: [/^node:/, "yaml", "zod", "roster", "stacks", "cli", "providers/forgejo/api", "providers/http"],
  lab: [/./],
  lobby: [/^node:/, "zod", "http-proxy-3", "agent/shared/facts/facts-schemas.ts", "agent/shared/facts/format.ts"],
};

const IMPORT = /^\s*(?:import|export)\s(?:[^"';]*?\sfrom\s)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;

const importsOf = (file: string): string[] =>
  [...text(file).matchAll(IMPORT)]
    .map((match) => match[1] ?? match[2] ?? "")
    .map((target) => (target.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), target)) : target));

const roomOf = (file: string) => file.split("/")[0] ?? file;

const sources = files(/^(index\.ts|(roster|agent|components|stacks|providers|ci|cli|lab|lobby)\/.*\.ts)$/);

test.each(sources)("%s imports only what its room may", (file) => {
  const room = roomOf(file);
  const allowed = MAY_IMPORT[room] ?? [];
  const foreign = importsOf(file).filter(
    (target) =>
      roomOf(target) !== room &&
      !allowed.some((rule) =>
        typeof rule === "string" ? target === rule || target.startsWith(`${rule}/`) : rule.test(target),
      ),
  );
  expect(foreign).toEqual([]);
});

test("no component imports a component of another surface", () => {
  const surfaceOf = (path: string) => path.split("/")[1];
  const crossing = sources
    .filter((file) => roomOf(file) === "components")
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => roomOf(target) === "components" && surfaceOf(target) !== surfaceOf(file))
        .map((target) => `${file} -> ${target}`),
    );
  expect(crossing).toEqual([]);
});
