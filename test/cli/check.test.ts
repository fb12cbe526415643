import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { rosterOf, row } from "../roster/support.ts";
import { workbench } from "./run-ws.ts";

const { folder, ws } = workbench({
  "good.yaml": rosterOf(row("ada", "", "admin"), row("bob")),
  "bad.yaml": rosterOf(row("bob", "tiger: x").replace("tier: power-user", "tier: power-usr")),
  "empty.yaml": "",
  "bytes.yaml": Uint8Array.of(0x61, 0xff, 0x0a),
  "map.json": '{"bob": {"role": "admin"}}',
  "pending.json": "{}",
  "broken.json": "{",
});
const json = (out: string) =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);

test("--version prints the version of package.json", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  expect(ws(["--version"])).toEqual({ code: 0, out: `ws ${version}\n`, err: "" });
});

test("a right roster is said to be right and ends with 0", { timeout: 30_000 }, () => {
  expect(ws(["check", "good.yaml"])).toEqual({ code: 0, out: "good.yaml: ok, 2 people\n", err: "" });
});

test("problems are lines with place, person, what was found and what is right, and end with 1", {
  timeout: 30_000,
}, () => {
  expect(ws(["check", "bad.yaml"])).toEqual({
    code: 1,
    out: [
      'bad.yaml:5:11: bob: tier: "power-usr" is not valid; it must be one of admin, power-user, namespace-owner; did you mean "power-user"?',
      'bad.yaml:6:5: bob: "tiger" is not a field of a row; a row knows authentik_user, k8s_user, tier, namespaces, email, code_layout, repos, forgejo, parked, claude_auth, limits, quota, until, previously and host',
      "bad.yaml: 2 problems; fix them before the next deployment",
      "",
    ].join("\n"),
    err: "",
  });
});

test("--json says the same as one object a line and file, for files that cannot be read too", {
  timeout: 30_000,
}, () => {
  const ran = ws(["check", "--json", "good.yaml", "bad.yaml", "missing.yaml", ".", "empty.yaml", "bytes.yaml"]);
  expect(ran.code).toBe(1);
  expect(json(ran.out)).toEqual([
    { file: "good.yaml", ok: true, problems: [] },
    {
      file: "bad.yaml",
      ok: false,
      problems: [
        {
          severity: "error",
          line: 5,
          column: 11,
          user: "bob",
          path: "users.bob.tier",
          message: expect.stringContaining("did you mean"),
          file: "bad.yaml",
        },
        {
          severity: "error",
          line: 6,
          column: 5,
          user: "bob",
          path: "users.bob.tiger",
          message: expect.stringContaining("not a field"),
          file: "bad.yaml",
        },
      ],
    },
    {
      file: "missing.yaml",
      ok: false,
      problems: [
        {
          severity: "error",
          line: 1,
          column: 1,
          user: null,
          path: "",
          message: expect.stringContaining("there is no such file"),
          file: "missing.yaml",
        },
      ],
    },
    {
      file: ".",
      ok: false,
      problems: [expect.objectContaining({ message: "this is a directory; name the file in it" })],
    },
    { file: "empty.yaml", ok: true, problems: [] },
    {
      file: "bytes.yaml",
      ok: false,
      problems: [expect.objectContaining({ message: "a byte here is not UTF-8; save the file as UTF-8" })],
    },
  ]);
});

test("the user map is compared: an error, a warning, and a map that cannot be read", { timeout: 30_000 }, () => {
  const runs = ["map.json", "pending.json", "broken.json"].map((map) =>
    ws(["check", "--json", "--k8s-users", map, "good.yaml"]),
  );
  expect(runs.map(({ code, out }) => [code, json(out)])).toEqual([
    [
      1,
      [
        {
          file: "good.yaml",
          ok: false,
          problems: [expect.objectContaining({ severity: "error", path: "users.bob.tier", user: "bob" })],
        },
      ],
    ],
    [
      0,
      [
        {
          file: "good.yaml",
          ok: true,
          problems: [expect.objectContaining({ severity: "warning", path: "users.bob.k8s_user" })],
        },
      ],
    ],
    [
      1,
      [
        {
          file: "good.yaml",
          ok: false,
          problems: [expect.objectContaining({ file: "broken.json", severity: "error" })],
        },
      ],
    ],
  ]);
});

test("a wrong call ends with 2 and says how it is called", { timeout: 30_000 }, () => {
  const calls = [["check"], ["check", "--jsno", "good.yaml"], ["chek"], [], ["check", "--host", "a b", "good.yaml"]];
  expect(
    calls
      .map((call) => ws(call))
      .map(({ code, out, err }) => [code, out, err.includes("Usage: ./ws"), err.includes(" at ")]),
  ).toEqual(calls.map(() => [2, "", true, false]));
  expect(ws(["check", "--help"])).toMatchObject({
    code: 0,
    err: "",
    out: expect.stringContaining("Usage: ./ws check"),
  });
});

test("the roster may come from standard input", { timeout: 30_000 }, () => {
  expect(ws(["check", "-"], "user: {}\n")).toMatchObject({
    code: 1,
    out: expect.stringContaining('-:1:1: "user" is not a key of a roster'),
  });
});

test("without its packages it says what to run", () => {
  const bare = join(folder, "bare");
  mkdirSync(bare);
  copyFileSync(fileURLToPath(new URL("../../ws", import.meta.url)), join(bare, "ws"));
  const { status, stderr } = spawnSync(join(bare, "ws"), ["check"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([1, `ws: the packages are not installed yet; run "npm ci" in ${bare} first\n`]);
});
