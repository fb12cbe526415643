import { describe, expect, test } from "vitest";
import { linesOf, rosterOf, row } from "./support.ts";

describe("fields at the level of the people are told once, with the person they belong to", () => {
  test("all fields of a person, whose row is then not called empty", () =>
    expect(linesOf(rosterOf(row("ada"), row("bob").replace(/^ {4}/gm, "  "), row("eva")))).toEqual([
      'roster.yaml:7:3: bob: "authentik_user", "k8s_user" and "tier" are fields of a person and stand among the people; indent them below bob',
    ]));

  test("all fields of everybody: none is called doubled", () =>
    expect(linesOf(rosterOf(row("ada"), row("bob")).replace(/^ {4}/gm, "  "))).toEqual([
      'roster.yaml:3:3: ada: "authentik_user", "k8s_user" and "tier" are fields of a person and stand among the people; indent them below ada',
      'roster.yaml:7:3: bob: "authentik_user", "k8s_user" and "tier" are fields of a person and stand among the people; indent them below bob',
    ]));

  test("some of them, which are then not called missing", () =>
    expect(linesOf(rosterOf(row("bob").replace("    tier", "  tier"), row("eva", "", "king")))).toEqual([
      'roster.yaml:5:3: bob: "tier" is a field of a person and stands among the people; indent it below bob',
      expect.stringMatching(/:9:11: eva: tier: "king" is not valid/),
    ]));

  test("maps and lists, and before the first person", () =>
    expect(linesOf(`users:\n  limits:\n    memory: 8G\n  repos: [a]\n${row("bob")}`)).toEqual([
      'roster.yaml:2:3: "limits" and "repos" are fields of a person and stand among the people; indent them below the person\'s name',
    ]));

  test("a person may have the name of a field", () =>
    expect(linesOf(rosterOf(row("tier"), row("limits"), row("email")))).toEqual([]));
});

test("a person and a field beside users are told where they belong", () =>
  expect(
    linesOf("users:\nbob:\n  authentik_user: bob\n  k8s_user: bob\n  tier: admin\nparked: true\ncolour: red\n"),
  ).toEqual([
    'roster.yaml:2:1: "bob" looks like a person; indent the name and its fields below users:',
    'roster.yaml:6:1: "parked" is a field of a person; indent it below the person\'s name',
    'roster.yaml:7:1: "colour" is not a key of a roster; "users" is the only one',
  ]));

test("fields of limits, quota and forgejo in the row itself are told where they belong", () =>
  expect(linesOf(rosterOf(row("bob", "limits:\nmemory: 8G\nforgejo:\n  login: bob\npush: true\npods: 5")))).toEqual([
    'roster.yaml:7:5: bob: "memory" is a field of limits and not of the row itself; write it below limits:, indented',
    'roster.yaml:10:5: bob: "push" is a field of forgejo and not of the row itself; write it below forgejo:, indented',
    'roster.yaml:11:5: bob: "pods" is a field of quota and not of the row itself; write it below quota:, indented',
  ]));
