/** What a run takes from the outputs of the one before. */

import { expect, test } from "vitest";
import { Refusal } from "../../config/refusal.ts";
import { previousRunFrom } from "../../config/previous-run.ts";
import { offeredServices } from "../../config/offered-services.ts";
import { settings } from "./raw-config.ts";

test("a run lists in which namespaces it empties bindings of an earlier version, and the next one reads it", () => {
  const outputs: Readonly<Record<string, unknown>> = { ledger: "text", formerBindings: ["stem"] };
  expect(previousRunFrom((name) => outputs[name]).formerBindings).toEqual(["stem"]);
});

test("the services that a run offers are taken up by the next one, and a state without them is of a former version", () => {
  const offered = offeredServices(settings({}));
  expect(offered).toEqual(["browser", "credentialSync", "t3"]);
  const outputs: Readonly<Record<string, unknown>> = { ledger: "text", services: offered };
  expect(previousRunFrom((name) => outputs[name]).services).toEqual(offered);
  expect(previousRunFrom(() => undefined)).toEqual({ ledger: undefined, undelivered: undefined });
});

test.each(["userMapVersion", "services", "formerBindings"])(
  "an output %s of a newer version's form is refused with its name",
  (output) => {
    const read = () => previousRunFrom((name) => (name === output ? { form: "of another version" } : undefined));
    expect(read).toThrow(Refusal);
    expect(read).toThrow(`The stack's output ${output} has a form that this version does not know`);
  },
);
