import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { rosterJsonSchema } from "../../roster/schema/json-schema.ts";
import { canonicalJson, type Json } from "../../roster/text/canonical-json.ts";
import { people, yamlOf } from "./generators.ts";
import { linesOf, PROPERTY, rosterOf, row, RUNS } from "./support.ts";

const deployed = readFileSync(new URL("../../roster.schema.json", import.meta.url), "utf8");
const accepts = new Ajv2020({ strict: false }).compile(rosterJsonSchema());

test("roster.schema.json is what the validator says today (npm run schema writes it anew)", () => {
  expect(deployed).toBe(canonicalJson(rosterJsonSchema() as Json));
});

test("the sample roster names the schema for the editor and obeys it", () => {
  const sample = readFileSync(new URL("../../roster.yaml", import.meta.url), "utf8");
  expect(sample.split("\n")[0]).toBe("# yaml-language-server: $schema=./roster.schema.json");
  expect(accepts(parse(sample))).toBe(true);
});

test("every roster that is right is right for the editor too", PROPERTY, () => {
  fc.assert(
    fc.property(people(), (rows) => {
      expect(accepts(parse(yamlOf(rows)))).toBe(true);
    }),
    RUNS,
  );
});

test.each([
  rosterOf(row("bob", "colour: red")),
  rosterOf(row("bob", "", "king")),
  rosterOf(row("bob", "", "namespace-owner")),
  rosterOf(row("bob", "namespaces: []", "namespace-owner")),
  rosterOf(row("bob", "namespaces: [shop]", "admin")),
  rosterOf(row("bob", "repos: [site]")),
  rosterOf(row("bob").replace("authentik_user: bob", "authentik_user: default")),
  rosterOf(row("bob", "parked: yes")),
  rosterOf(row("bob", "limits: {memory: 8GB}")),
  rosterOf(row("bob", "until: tomorrow")),
  rosterOf(row("root").replace("k8s_user: root", "k8s_user: r")),
  "user: {}\n",
])("what is wrong by itself is wrong in the editor as well (%#)", (text) => {
  expect([accepts(parse(text)), linesOf(text).length > 0]).toEqual([false, true]);
});
