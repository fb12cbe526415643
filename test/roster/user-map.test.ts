import { describe, expect, test } from "vitest";
import { renderProblem } from "../../roster/render-problem.ts";
import { checkAgainstUserMap, loadUserMap } from "../../roster/user-map.ts";
import { roster, rosterOf, row } from "./support.ts";

const load = (text: string) => loadUserMap(text, "k8s-users.json");
const compare = (rows: string, map: string) => {
  const loaded = load(map);
  if (!loaded.ok) throw new Error(loaded.problems.map(renderProblem).join("\n"));
  return checkAgainstUserMap(roster(rows), loaded.userMap).map(renderProblem);
};

describe("the roster against the cluster's user map", () => {
  const rows = rosterOf(row("ada", "", "admin"), row("bob"), row("carol"));

  test("a different tier is an error, an absent non-admin a warning, admins are exempt", () => {
    expect(
      compare(rows, '{"ada": {"role": "power-user"}, "bob": {"role": "namespace-owner", "email": "bob@x"}}'),
    ).toEqual([
      'roster.yaml:9:11: bob: tier: the roster says "power-user" and the user map (k8s-users.json) says "namespace-owner" for "bob"; make the two agree',
      'roster.yaml:12:15: warning: carol: k8s_user: "carol" is not in the user map (k8s-users.json) yet; the grant is pending until it is added there',
    ]);
  });

  test("an empty map is a map in which everybody is pending", () => {
    expect(compare(rows, "{}").map((line) => line.includes("warning"))).toEqual([true, true]);
  });

  test("names that objects have of themselves are in it only when they are in it", () => {
    expect(compare(rosterOf(row("bob").replace("k8s_user: bob", "k8s_user: constructor")), "{}")).toEqual([
      expect.stringContaining('"constructor" is not in the user map'),
    ]);
  });

  test("an e-mail that the map supplies is one person's only", () => {
    const two = rosterOf(row("ada", "email: A@X", "admin"), row("bob"));
    expect(compare(two, '{"bob": {"role": "power-user", "email": "a@x"}}')).toEqual([
      'roster.yaml:9:15: bob: k8s_user: "a@x" is already ada\'s, counting what the user map (k8s-users.json) supplies; the cluster would take the two for one person',
    ]);
  });
});

describe("a map that cannot be trusted is never taken for an empty one", () => {
  test.each([
    ["no JSON", "<html>", /:1:1: the user map: this is not JSON: expected a value but found "<"/],
    ["nothing", "", /this is not JSON: expected a value but found the end of the file/],
    ["null", "null", /its top must be a map/],
    [
      "a doubled key",
      '{"bob": {"role": "admin"},\n "bob": {"role": "power-user"}}',
      /:2:2: the user map: the key "bob" stands here a second time/,
    ],
    ["a doubled role", '{"bob": {"role": "admin", "role": "power-user"}}', /the key "role" stands here a second time/],
    ["an entry that is no map", '{"bob": "admin"}', /"bob": /],
    ["an entry without a role", '{"bob": {"email": "a@x"}}', /"bob": role: nothing is not a role/],
    [
      "an e-mail of the system",
      '{"bob": {"role": "admin", "email": "system:masters"}}',
      /"bob": email: "system:masters" is not an e-mail address/,
    ],
    [
      "a quota of words",
      '{"bob": {"role": "admin", "quota": {"pods": "many"}}}',
      /"bob": quota.pods: "many" does not fit/,
    ],
    ["a comma too many", '{"bob": {"role": "admin"},}', /:1:27: the user map: this is not JSON/],
  ])("%s", (_, text, expected) => {
    const loaded = load(text);
    expect(loaded.ok ? [] : loaded.problems.map(renderProblem)).toEqual([expect.stringMatching(expected)]);
  });

  test("keys of others in an entry are theirs", () => {
    const loaded = load(
      '{"bob": {"role": "power-user", "email": "b@x", "domains": ["x"], "quota": {"pods": 3, "gpus": "1"}}}',
    );
    expect(loaded.ok && [...loaded.userMap.entries]).toEqual([
      ["bob", { role: "power-user", email: "b@x", quota: { pods: "3" } }],
    ]);
  });
});
