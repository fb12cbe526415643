import { expect, test } from "vitest";
import { digestOf } from "../../agent/lib/delivered-digests.ts";
import { deliveredParts } from "../../ci/delivered-parts.ts";

const SHA = "a".repeat(64);
const resource = (name: string, inputs: object, more: object = {}) => ({
  ...{ urn: `urn:pulumi:prod::workstation::x$command:remote:Command::${name}`, type: "command:remote:Command" },
  ...{ custom: true, inputs, ...more },
});
const part = (kind: string, osUser?: string) => ({
  kind,
  ...(osUser === undefined ? { host: "vm" } : { osUser }),
  uid: 1,
});
const apply = (name: string, of: object) => resource(name, { create: "workstation apply", stdin: JSON.stringify(of) });
const state = (resources: readonly object[]) => ({ deployment: { resources } });

test("each host's parts are those of the last deployment, with the agent's checksum and without what is secret", () => {
  const base = resource("vm-base", { create: `node x install --sha256 ${SHA}`, stdin: JSON.stringify(part("base")) });
  const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };
  const found = deliveredParts(
    state([
      ...[base, apply("vm-maps", part("maps")), apply("ada@vm-account", part("account", "ada"))],
      ...[resource("ada@vm-credentials", { stdin: secret }), resource("vm-ingress-secret", { stdin: secret })],
      resource("ada@vm-units", { stdin: JSON.stringify(part("units", "ada")) }, { delete: true }),
      ...[
        resource("vm-settle", { create: "workstation settle", stdin: "{}" }),
        resource("vm-agent", { remotePath: "/x" }),
      ],
      // Other hosts, whose names begin or end alike.
      ...[
        apply("my-vm-maps", part("maps")),
        apply("ada@my-vm-units", part("units", "ada")),
        apply("vm-2-maps", part("maps")),
      ],
    ]),
    ["vm", "never"],
  );
  expect([...found.keys()]).toEqual(["vm"]);
  expect(found.get("vm")?.digests).toEqual({
    agent: SHA,
    base: digestOf(part("base")),
    maps: digestOf(part("maps")),
    "account.ada": digestOf(part("account", "ada")),
  });
  expect(found.get("vm")?.urns.map((urn) => urn.split("::").at(-1))).toEqual([
    ...["vm-base", "vm-maps", "ada@vm-account", "ada@vm-credentials", "vm-ingress-secret", "vm-settle", "vm-agent"],
  ]);
});

test("a stack that was never deployed has delivered nothing", () => {
  expect(deliveredParts({ deployment: { resources: null } }, ["vm"]).size).toBe(0);
});
