import type { Stats } from "node:fs";
import { expect, test } from "vitest";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { containedArgv } from "../../../../agent/root/system/run-as-user.ts";

const user = { name: "ana", uid: 20000, gid: 20000, home: "/home/ana", shell: "/bin/sh" };
/** A host with systemd, on which the home is theirs. */
const sys = {
  look: () => ({ isDirectory: () => true, uid: user.uid, mode: 0o700 }) as Stats,
} as unknown as System;

test("systemd is given each dollar of a command doubled, since it would put a variable's value there", () => {
  const { argv } = containedArgv(sys, {
    user,
    name: "t",
    argv: ["/bin/sh", "-c", `echo "\${1#a}" $$`],
    deadlineMs: 1000,
  });
  // systemd.service(5), "Command lines": "$$" is one dollar.
  expect(argv.slice(argv.indexOf("--") + 1)).toEqual(["/bin/sh", "-c", `echo "$\${1#a}" $$$$`]);
});
