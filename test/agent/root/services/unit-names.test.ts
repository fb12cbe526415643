/** Which units of a person are meant to rest, with those that another one starts. */
import { expect, test } from "vitest";
import { startedUnitsOf, wantedUnits } from "../../../../agent/root/services/unit-names.ts";
import { units } from "../../../e2e/host/parts.ts";

const ANA = { osUser: "ana", uid: 7801 };
const OFFERED = { t3: true, browser: true, credentialSync: true, terminals: true };
const SYNC = "credential-sync@ana.service";

test("what the timer starts rests too, once its person is parked or gets no credentials, and after the timer", () => {
  for (const part of [units({ ...ANA, state: "parked" }), units({ ...ANA, claudeAuth: false })]) {
    const { rest } = wantedUnits(part, OFFERED);
    expect(rest.slice(rest.indexOf("credential-sync@ana.timer")).slice(0, 2)).toEqual([
      "credential-sync@ana.timer",
      SYNC,
    ]);
  }
  expect(startedUnitsOf("ana")).toContain(SYNC);
  const { run, rest } = wantedUnits(units(ANA), OFFERED);
  expect([...run, ...rest]).not.toContain(SYNC);
});
