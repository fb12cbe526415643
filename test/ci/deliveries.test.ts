/** Which hosts a deployment delivers everything to again, and with which options of the engine. */

import { expect, test } from "vitest";
import { type HostDelivery, redeliveryOf } from "../../ci/deliveries.ts";

const asked = (host: string, over: Partial<HostDelivery>): HostDelivery => ({
  ...{
    host,
    urns: [`urn:${host}-base`, `urn:ada@${host}-account`],
    difference: undefined,
    remedy: "",
    isRedelivered: false,
  },
  ...over,
});

test("a host that holds other parts than were delivered gets all of them again, and no other host does", () => {
  const restored = asked("old", { difference: "holds another version of maps", isRedelivered: true });
  const found = redeliveryOf([
    restored,
    asked("current", {}),
    asked("down", { difference: "no answer within 5 s" }),
    asked("removed", { difference: "holds what no deployment delivers: account.bob" }),
  ]);
  expect(found).toEqual({
    hosts: [restored],
    options: ["--replace", "urn:old-base", "--replace", "urn:ada@old-account"],
  });
});
