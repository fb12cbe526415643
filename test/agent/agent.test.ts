import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bundleAgent } from "../../agent/bundle.ts";
import { ROOT_POINTS, WORKER_POINTS } from "../../agent/lib/failpoints.ts";
import { Refusal } from "../../agent/lib/errors.ts";
import { groupsOf, parseAccounts } from "../../agent/root/system/account-database.ts";
import { parsePart } from "../../agent/root/commands/apply-part.ts";
import { dryRun } from "../../agent/root/system/dry-run.ts";
import { assertOutsideHomes, realSystem } from "../../agent/root/system/privileged-operations.ts";
import { answerOf } from "../../agent/root/people/call-worker.ts";
import { clean, redact } from "../../agent/lib/log.ts";
import { type Change, converge, says } from "../../agent/lib/converge.ts";
import { account } from "../e2e/host/parts.ts";

const AGENT_FOLDER = fileURLToPath(new URL("../../agent", import.meta.url));

test("the bundle is one file of the same bytes every time, and needs nothing but node", async () => {
  const [first, second] = [await bundleAgent(), await bundleAgent()];
  expect(first).toEqual(second);
  const imported = [...first.text.matchAll(/(?:from|import)\s*"([^"]+)"/g)].map((match) =>
    (match[1] ?? "").replace(/^node:/, ""),
  );
  expect(imported.filter((name) => !builtinModules.includes(name))).toEqual([]);
  expect(first.text).not.toContain(import.meta.dirname);
  // No program in it, of those that it carries either, looks for a file of the sources.
  expect(first.text.match(/\.\.\/files/g)).toBeNull();
});

test("names of failpoints are there once each, and more than thirty", () => {
  const all = [...ROOT_POINTS, ...WORKER_POINTS];
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBeGreaterThan(30);
});

const step = (changes: readonly Change[][]) => {
  const looks = [...changes];
  return { name: "a step", differences: () => looks.shift() ?? [] };
};
const change = (apply: Change["apply"]): Change => ({
  point: "base-file",
  says: says("add", "to group docker"),
  apply,
});

test("a step says what it did, and in a dry run the same sentence with would, doing nothing", async () => {
  const said: string[] = [];
  let done = 0;
  const one = change(() => {
    done += 1;
  });
  expect(await converge(step([[one]]), "check", (s) => said.push(s))).toBe(1);
  expect([done, said]).toEqual([0, ["would add to group docker"]]);
  expect(await converge(step([[one], []]), "apply", (s) => said.push(s))).toBe(1);
  expect([done, said.at(-1)]).toEqual([1, "added to group docker"]);
});

test("a converged step says nothing", async () => {
  const said: string[] = [];
  expect(await converge(step([[]]), "apply", (s) => said.push(s))).toBe(0);
  expect(said).toEqual([]);
});

test("a step that still differs after one pass is an error, not another try", async () => {
  const one = change(() => undefined);
  await expect(converge(step([[one], [one]]), "apply", () => undefined)).rejects.toThrow(
    "still differs after one pass: would add to group docker",
  );
});

test("what could not be done for a reason that is none of ours is not said to be done", async () => {
  const said: string[] = [];
  expect(await converge(step([[change(() => "not done")], []]), "apply", (s) => said.push(s))).toBe(0);
  expect(said).toEqual([]);
});

test.each(["/home", "/home/", "/home/anca/x", "/etc/../home/anca", "relative", "/etc/./x", "/etc/x\0y"])(
  "root's door does not open %j",
  (path) => {
    expect(() => assertOutsideHomes(path)).toThrow(/in a home|not a plain absolute path/);
    expect(() => realSystem.read(path)).toThrow(/in a home|not a plain absolute path/);
    expect(() => realSystem.replaceFile(path, { bytes: "", mode: 0o600 })).toThrow(
      /in a home|not a plain absolute path/,
    );
  },
);

test("in a dry run every verb that writes is caught", () => {
  const sys = dryRun(realSystem);
  expect(() => sys.replaceFile("/etc/x", { bytes: "", mode: 0o600 })).toThrow("a dry run may only look");
  expect(() => sys.remove("/etc/x")).toThrow("a dry run may only look");
  expect(() => sys.run(["/bin/true"])).toThrow("a dry run may only look");
  expect(() => sys.makeHome("/home/x", 1, 1)).toThrow("a dry run may only look");
});

const ran = (stdout: string, over = {}) => ({
  argv: ["w"],
  code: 0,
  stdout,
  stderr: "",
  timedOut: false,
  overflowed: false,
  ...over,
});
const done = '{"kind":"done"}\n';

test("a worker's whole answer is taken", () => {
  expect(answerOf(ran(`{"kind":"changed","says":"x"}\n${done}`), 1000)).toEqual([{ kind: "changed", says: "x" }]);
});

test.each([
  ["nothing", ran("")],
  ["half a line", ran('{"kind":"chan')],
  ["another kind", ran(`{"kind":"run","argv":["x"]}\n${done}`)],
  ["a field too many", ran(`{"kind":"changed","says":"x","path":"/etc"}\n${done}`)],
  ["no end", ran('{"kind":"changed","says":"x"}\n')],
  ["a sentence of 5,000 characters", ran(`{"kind":"changed","says":"${"x".repeat(5000)}"}\n${done}`)],
  ["more than a MiB", ran(done, { overflowed: true })],
  ["too late", ran(done, { timedOut: true })],
])("an answer that is %s is refused", (_, answer) => {
  expect(() => answerOf(answer, 1000)).toThrow(Refusal);
});

test("what is printed has no control character, no second line and no workflow command", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 50 }), (text) => {
      expect(clean(text)).not.toMatch(/[\p{Cc}\u2028\u2029]|^::/u);
    }),
  );
});

test("a flood from outside is cut, and takes no time", () => {
  const started = performance.now();
  for (const flood of ["x", "a.", "token", "authorization ", "://", "a://b"])
    expect(clean(flood.repeat(1_000_000)).length).toBeLessThan(4200);
  expect(performance.now() - started).toBeLessThan(3000);
});

test.each([
  ["fatal: unable to access 'https://anca:s3cret@forge/x'", "fatal: unable to access 'https://***@forge/x'"],
  ["Authorization: Bearer abc.def", "Authorization: Bearer ***"],
  ["?access_token=abcdef&x=1", "?access_token=***&x=1"],
  ['{"password":"hunter2"}', '{"password":"***"}'],
])("no secret is printed: %s", (text, safe) => {
  expect(redact(text)).toBe(safe);
});

test("accounts are read as the system reads them, and odd names reach no prototype", () => {
  const accounts = parseAccounts(
    "root:x:0:0:root:/root:/bin/bash\nana:x:2000:2000::/home/ana:/bin/zsh\n__proto__:x:1:1::/:/x\n",
    "ana:x:2000:\nsudo:x:27:bob,ana\ndocker:x:99:ana\n",
    "ana:!:1::::::\nbob:$6$h:1:0:90:7:30::\nold:!$6$h:1::-1:::1:\nroot:*:1::::::\n",
  );
  const ana = accounts.users.get("ana");
  expect(ana && groupsOf(accounts, ana)).toEqual(["ana", "sudo", "docker"]);
  expect(accounts.users.get("__proto__")?.uid).toBe(1);
  expect(accounts.users.get("constructor")).toBeUndefined();
  expect([accounts.logins.get("ana"), accounts.logins.get("bob"), accounts.logins.get("old")]).toEqual([
    { locked: true, hasPassword: false, changed: 1, maximumDays: undefined, expires: undefined },
    { locked: false, hasPassword: true, changed: 1, maximumDays: 90, expires: undefined },
    { locked: true, hasPassword: true, changed: 1, maximumDays: undefined, expires: 1 },
  ]);
});

test.each([
  [{ uid: 999 }, "uid"],
  [{ uid: 60_000 }, "uid"],
  [{ osUser: "../x" }, "osUser"],
  [{ shell: "/bin/zsh -c x" }, "shell"],
  [{ extra: 1 }, "extra"],
])("a part with %j is refused where it is wrong", (over, place) => {
  const text = JSON.stringify({ ...account({ osUser: "ana", uid: 2000 }), ...over });
  expect(() => parsePart("account", "ana", text)).toThrow(place);
});

test("every name of a failpoint stands at a change of the code", () => {
  const sources = readdirSync(AGENT_FOLDER, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".ts") && file !== "lib/failpoints.ts",
  );
  const code = sources.map((file) => readFileSync(`${AGENT_FOLDER}/${file}`, "utf8")).join("\n");
  expect([...ROOT_POINTS, ...WORKER_POINTS].filter((point) => !code.includes(`"${point}"`))).toEqual([]);
});
