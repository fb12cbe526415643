import { describe, expect, test } from "vitest";
import { loadLedger, writeLedger } from "../../roster/ledger.ts";
import { derived, rosterOf, row } from "./support.ts";

const text = writeLedger(
  derived(
    rosterOf(
      row("ada", "email: ada@x", "admin"),
      row("__proto__").replaceAll(": __proto__", ": proto"),
      row("bob", "namespaces: [shop]", "namespace-owner"),
    ),
  ).desired.ledger,
);
const said = (broken: string | Uint8Array) => {
  const loaded = loadLedger(broken, "ledger.json");
  return loaded.ok ? "a ledger" : loaded.problems.map(({ line, message }) => `${line}: ${message}`);
};

test("a ledger is read back as it was written, names that objects trip over included", () => {
  const loaded = loadLedger(text, "ledger.json");
  expect(loaded.ok && writeLedger(loaded.ledger)).toBe(text);
  expect(loaded.ok && [...loaded.ledger.people.keys()]).toEqual(["__proto__", "ada", "bob"]);
});

test("a former k8s_user is written and read back, and a ledger of before has none", () => {
  expect(text).not.toContain("formerK8sUsers");
  const { ledger } = derived(rosterOf(row("ada", "previously: {k8s_user: adele}"))).desired;
  const loaded = loadLedger(writeLedger(ledger), "ledger.json");
  expect(loaded.ok && loaded.ledger).toEqual(ledger);
  expect(loaded.ok && [...loaded.ledger.people.values()].map(({ formerK8sUsers }) => formerK8sUsers)).toEqual([
    ["adele"],
  ]);
});

describe("a corrupted ledger is a located problem and nothing is given out", () => {
  test.each([
    [
      "a port twice",
      text.replace('"t3": 3774', '"t3": 3773'),
      /^\d+: the ledger: ada: port 3773 is given to __proto__ too/,
    ],
    ["a port of the other range", text.replace('"t3": 3774', '"t3": 8931'), /port 8931/],
    [
      "a uid twice",
      text.replace('"uid": 20001', '"uid": 20000'),
      /^\d+: the ledger: ada: uid 20000 is given to __proto__ too/,
    ],
    ["a uid of the system", text.replace('"uid": 20001', '"uid": 0'), /^\d+: the ledger: ada: uid: /],
    ["a key that is missing", text.replace(/ *"since": .*,\n/, ""), /since/],
    ["a key too many", text.replace('"push": false', '"push": false, "root": true'), /root/],
    [
      "another version",
      text.replace('"version": 1', '"version": 2'),
      /the number 2 is its version and this program writes 1/,
    ],
    ["a person twice", text.replace('"bob": {', '"ada": {'), /the key "ada" stands here a second time/],
    ["a cut end", text.slice(0, text.length / 2), /this is not JSON/],
    ["nothing at all", "", /^1: the ledger: this is not JSON: expected a value but found the end of the file/],
    ["a list", "[]", /its top must be a map/],
    ["null", "null", /its top must be a map/],
    ["an empty map", "{}", /version/],
    ["NaN", '{"version": NaN}', /this is not JSON/],
    ["depth", "[".repeat(100_000), /nested more than 32 levels/],
    [
      "the whole output of derive",
      `{"people": {}, "ledger": ${text}, "version": 1}`,
      /this looks like the whole output of "ws derive"/,
    ],
  ])("%s", (_, broken, expected) =>
    expect(said(broken)).toEqual(expect.arrayContaining([expect.stringMatching(expected)])),
  );
});
