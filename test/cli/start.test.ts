/** How `./ws` starts: what it loads, what that costs, and that it never runs what the sources no longer say. */

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { bundle } from "../../launcher/compile.ts";
import { files, ROOT } from "../house/sources.ts";

/** A checkout of its own, with the same packages. */
function checkout(): string {
  const root = mkdtempSync(join(tmpdir(), "ws-start-"));
  for (const file of files(/^(package\.json|tsconfig\.json|ws|roster\.yaml)$|^(?!test\/|lab\/|docs\/)[^/]+\/.*/))
    cpSync(join(ROOT, file), join(root, file));
  mkdirSync(join(root, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (name !== ".cache") symlinkSync(join(ROOT, "node_modules", name), join(root, "node_modules", name));
  return root;
}

function ws(root: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(join(root, "ws"), args, { cwd: root, encoding: "utf8" });
  return { code: status, out: stdout, err: stderr };
}

function edit(root: string, file: string, from: string, to: string): void {
  const text = readFileSync(join(root, file), "utf8");
  expect(text).toContain(from);
  writeFileSync(join(root, file), text.replace(from, to));
}

/** Packages that `node` loads before the command's own code runs. */
async function packagesOf(command: string): Promise<readonly string[]> {
  const { metafile } = await bundle(ROOT, join(ROOT, "node_modules/.cache/unwritten"), "cli/main.ts");
  const outputs = metafile.outputs;
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: target, kind, external } of outputs[path]?.imports ?? []) {
      if (kind === "dynamic-import") continue;
      if (external !== true) visit(target);
      else if (!/^(node:|(process|buffer)$)/.test(target)) found.add(target);
    }
  };
  for (const entry of ["cli/main.ts", command]) {
    const output = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === entry);
    if (output === undefined) throw new Error(`the compiled program has no part for ${entry}`);
    visit(output);
  }
  return [...found].sort();
}

test.each(["check", "derive", "history", "plan"])(
  "%s loads no package that is not part of the program",
  async (name) => {
    expect(await packagesOf(`cli/commands/${name}.ts`)).toEqual([]);
  },
);

test.each(["import", "ledger", "probe", "remove", "restore-home", "status"])(
  "%s does not load the engine's SDK to read its arguments",
  async (name) => {
    const packages = await packagesOf(`cli/commands/${name}.ts`);
    expect(packages.filter((found) => found.startsWith("@pulumi/"))).toEqual([]);
  },
);

test("a command that speaks to hosts does load ssh2, so the test above would notice", async () => {
  expect(await packagesOf("cli/commands/remove.ts")).toContain("ssh2");
});

test.each(["--help", "check roster.yaml", "derive roster.yaml"])("./ws %s takes little processor time", (call) => {
  ws(ROOT, "--version"); // compiled, if it was not
  // The second line of `times` is what the children took: user and system time.
  const out = execFileSync("sh", ["-c", `./ws ${call} >/dev/null; times`], { cwd: ROOT, encoding: "utf8" });
  const times = [...(out.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)];
  expect(times).toHaveLength(2);
  // 0.2 s where it was written; loading the engine alone takes 0.7 s there, compiling everything 2 s.
  expect(times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0)).toBeLessThan(
    0.8,
  );
});

let root = "";
beforeAll(() => {
  root = checkout();
});

test("commands that start at the same time in a fresh checkout all give the same answer", async () => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(join(root, "ws"), ["check", "roster.yaml"], { cwd: root });
      let text = "";
      child.stdout.on("data", (chunk) => (text += chunk));
      child.stderr.on("data", (chunk) => (text += chunk));
      const code = await new Promise((done) => child.on("close", done));
      return [code, text];
    }),
  );
  expect(answers).toEqual(Array.from({ length: 4 }, () => [0, "roster.yaml: ok, 3 people\n"]));
});

test("a changed source is compiled again, and so is one that is changed back", () => {
  const [was, is] = ["say everything that is wrong with a roster", "another summary"];
  expect(ws(root, "--help").out).toContain(was);
  edit(root, "cli/commands.ts", was, is);
  expect(ws(root, "--help").out).toContain(is);
  edit(root, "cli/commands.ts", is, was);
  expect(ws(root, "--help").out).not.toContain(is);
});

test("a source that cannot be compiled is named with its line, and nothing older runs in its place", () => {
  edit(root, "cli/commands/check.ts", "let failed = false;", "let failed = ;");
  const { code, out, err } = ws(root, "check", "roster.yaml");
  edit(root, "cli/commands/check.ts", "let failed = ;", "let failed = false;");
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(/^ws: the program cannot be compiled\n(.*\n)*.*cli\/commands\/check\.ts:\d+:\d+/);
  expect(err).not.toMatch(/^\s+at /m);
});

test("the stack of an unexpected error names the lines of the sources", () => {
  edit(root, "cli/commands/check.ts", "let failed = false;", 'let failed = false; throw new Error("planted");');
  const line = readFileSync(join(root, "cli/commands/check.ts"), "utf8").split("planted")[0]?.split("\n").length;
  const { err } = ws(root, "check", "roster.yaml");
  edit(root, "cli/commands/check.ts", ' throw new Error("planted");', "");
  expect(err).toContain("planted");
  expect(err).toContain(`cli/commands/check.ts:${line}:`);
});

test("it runs where nothing can be written", () => {
  const readOnly = checkout();
  symlinkSync("/sys", join(readOnly, "node_modules/.cache"));
  expect(ws(readOnly, "check", "roster.yaml")).toEqual({ code: 0, out: "roster.yaml: ok, 3 people\n", err: "" });
});
