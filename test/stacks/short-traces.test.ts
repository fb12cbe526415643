/** The traces that the SDK takes of every promise and resource are left out, and a bug's is as it was. */

import { afterEach, expect, test, vi } from "vitest";
import { leaveOutTracesOfSdk } from "../../stacks/short-traces.ts";

const before = Error.prepareStackTrace;
afterEach(() => {
  Error.prepareStackTrace = before;
  vi.unstubAllEnvs();
});

const mapped = () => {
  Error.prepareStackTrace = (error, sites) => `${error}, mapped, ${sites.length > 0}`;
};

test("an error without a message has no lines, and one with a message has the lines that it had", () => {
  mapped();
  leaveOutTracesOfSdk();
  expect(new Error("").stack).toBe("Error");
  expect(new TypeError("broken").stack).toBe("TypeError: broken, mapped, true");
});

test("where leaks of promises are looked for, every trace stays", () => {
  vi.stubEnv("PULUMI_DEBUG_PROMISE_LEAKS", "1");
  mapped();
  leaveOutTracesOfSdk();
  expect(new Error("").stack).toBe("Error, mapped, true");
});
