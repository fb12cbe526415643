import fc from "fast-check";
import { expect, test } from "vitest";
import { extractPublication, withPublication } from "../../ci/snapshot/publication.ts";
import { publishableUserMap } from "../../ci/snapshot/user-map.ts";
import { loadUserMap } from "../../roster/user-map.ts";

const COMMIT = "3f2c1b".padEnd(40, "0");
const time = "2026-11-28T18:00:00Z";
const state = (outputs?: object) =>
  JSON.stringify({
    ...{ version: 3, features: undefined },
    deployment: {
      manifest: { time, magic: "m", version: "v" },
      resources: [
        { urn: "a", type: "pulumi:providers:x" },
        { urn: "s", type: "pulumi:pulumi:Stack", ...(outputs && { outputs }) },
      ],
    },
  });

test.each([[{ commit: COMMIT }], [{ commit: COMMIT, userMap: '{"emo":{}}' }]])(
  "what is recorded in a published state is read back, and the state is as it was: %j",
  (record) => {
    const taken = extractPublication(withPublication(state({ ledger: "{}" }), record));
    expect(taken.publication).toEqual({ userMap: undefined, ...record, time });
    expect(JSON.parse(taken.state)).toEqual(JSON.parse(state({ ledger: "{}" })));
  },
);

test.each(["3f2c1b", "master", "", `${COMMIT}\n`, COMMIT.toUpperCase()])("%j is recorded as no commit", (commit) => {
  expect(() => withPublication(state({}), { commit })).toThrow("is not a full hash");
});

test.each([
  ["an empty state", JSON.stringify({ deployment: { manifest: { time } } }), "No deployment was published"],
  ["a state without a record", state({ ledger: "{}" }), "does not say which deployment"],
  ["a record of another form", state({ previewCommit: "master", previewTime: time }), "does not say which deployment"],
])("a preview of %s says what is missing", (_what, text, message) => {
  expect(() => extractPublication(text)).toThrow(message);
});

test("of the user map only the fields that the program reads are published", () => {
  const text = JSON.stringify({
    emo: { role: "power-user", email: "emo@lab.example", password: "canary", quota: { pods: "5", canary: "9" } },
    anca: { role: "namespace-owner", notes: ["canary"] },
  });
  const published = publishableUserMap(text, "secret/platform");
  expect(published).not.toContain("canary");
  const [before, after] = [text, published].map((one) => loadUserMap(one, "map"));
  expect(after).toEqual(before);
});

test("a published user map says of everybody what the whole one says", () => {
  const entry = fc.record(
    {
      role: fc.string(),
      email: fc.constantFrom("a@lab.example", "b.c@lab.example"),
      quota: fc.record({ pods: fc.constantFrom("5", "20"), more: fc.string() }, { requiredKeys: [] }),
      more: fc.jsonValue(),
    },
    { requiredKeys: ["role"] },
  );
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), entry), (map) => {
      const text = JSON.stringify(map);
      expect(loadUserMap(publishableUserMap(text, "map"), "map")).toEqual(loadUserMap(text, "map"));
    }),
  );
});

test("a user map that is broken is published for nobody", () => {
  expect(() => publishableUserMap('{"emo": {"role": 7}}', "secret/platform")).toThrow(/secret\/platform.*"emo"/);
});
