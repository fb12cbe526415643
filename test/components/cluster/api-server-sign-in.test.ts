/** How the API server's sign-in reaches the control planes: known by their host keys, and with nothing secret in the text. */

import { expect, test } from "vitest";
import { ApiServerSignIn } from "../../../components/cluster/api-server/api-server-sign-in.ts";
import { signInProgram } from "../../../stacks/bundled-programs.ts";
import { declared } from "./declared.ts";

const plane = (name: string) => ({
  name,
  address: `${name}.test`,
  port: 22,
  user: "root",
  hostKey: `ssh-ed25519 AAAA${name}`,
});
const ARGS = {
  issuers: [{ url: "https://sso.test/", audiences: ["kubernetes"] }],
  controlPlanes: [plane("cp1"), plane("cp2")],
  privateKey: "of-the-control-planes",
  program: signInProgram(),
  drift: "",
};

const run = (args: Partial<typeof ARGS> = {}) => declared(() => new ApiServerSignIn("sign-in", { ...ARGS, ...args }));

test("each control plane is one command, sent only to the host that bears the known key", async () => {
  const all = await run();
  expect(all.map(({ name, inputs }) => [name, inputs.connection.host, inputs.connection.hostKey])).toEqual([
    ["sign-in-cp1", "cp1.test", "ssh-ed25519 AAAAcp1"],
    ["sign-in-cp2", "cp2.test", "ssh-ed25519 AAAAcp2"],
  ]);
});

test("the command's text is the same for every configuration, and holds no key", async () => {
  const [one] = await run();
  const [other] = await run({ issuers: [{ url: "https://other.test/", audiences: ["a"] }] });
  expect(one?.inputs.create).toBe(other?.inputs.create);
  expect(one?.inputs.stdin).not.toBe(other?.inputs.stdin);
  expect(JSON.stringify([one?.inputs.create, one?.inputs.stdin])).not.toContain(ARGS.privateKey);
  expect(one?.inputs.stdin).toMatch(/module\.exports\.run\(\{"version":1,.*https:\/\/sso\.test\/.*\}\);\n$/);
});

test("what is not as it should be there is a reason to run it again", async () => {
  const [well] = await run();
  const [ill] = await run({ drift: "without the sign-in: kube-apiserver-cp1 (u1)" });
  expect(well?.inputs.triggers).not.toEqual(ill?.inputs.triggers);
});
