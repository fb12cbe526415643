/** Tests the hint at sign-ins that an API server refused because of an e-mail that nobody vouches for. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { refusalIn, refusedSignIns, UNVERIFIED } from "../../../cli/board/refused-sign-ins.ts";
import { HostUnreached } from "../../../clients/ssh/run-command.ts";
import { authenticationText } from "../../../components/cluster/api-server/authentication.ts";
import { settings } from "../../config/raw-config.ts";

const NOW = new Date("2026-11-29T12:00:00Z");
const stack = (...names: readonly string[]) =>
  settings({
    cluster: {
      ...{ server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test/", clientId: "c" } },
      apiServer: {
        issuers: [{ url: "https://i.test/", audiences: ["c"] }],
        sshPrivateKey: "key of the control planes",
        controlPlanes: names.map((name) => ({ name, address: name, hostKey: "ssh-ed25519 AAAA" })),
      },
    },
  });

/** Runs the script on this machine, with its logs in a folder of the test. */
function machine(logs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "ws-pods-"));
  for (const [path, text] of Object.entries(logs)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return async (_key: object, _host: object, { stdin = "" }: { readonly stdin?: string }) => {
    const input = stdin.replaceAll("/var/log/pods", folder);
    return { code: 0, stdout: execFileSync("/bin/sh", ["-s"], { input, encoding: "utf8" }), stderr: "" };
  };
}

const line = (time: string, why: string) =>
  `${time} stderr F E1129 11:00:00.000000       1 authentication.go:75] "Unable to authenticate the request" err="[invalid bearer token, ${why}]"\n`;
const LOG = "kube-system_kube-apiserver-cp1_ab12/kube-apiserver/0.log";

test.each(UNVERIFIED)(
  "a sign-in that was refused with %j is told with its time and the mapping, and no word of the log",
  async (why) => {
    const run = machine({
      [LOG]: `${line("2026-11-29T09:00:00.123456789Z", why)}${line("2026-11-29T11:00:01.5Z", why)}${line("2026-11-29T11:30:00Z", "token has expired")}`,
      "kube-system_kube-apiserver-cp1_ab12/kube-apiserver/1.log": line("2026-11-29T10:00:00Z", why),
    });
    const said = await refusedSignIns(stack("cp1"), run, NOW);
    expect(said).toEqual([
      expect.stringMatching(/^cp1: the API server refused a sign-in at 2026-11-29 11:00 UTC, .*docs\/authentik\.md/),
    ]);
    expect(said.join()).not.toContain("bearer");
  },
);

test("an older refusal, another reason and a machine without such a log are no hint", async () => {
  const old = { [LOG]: line("2026-11-28T11:59:00Z", UNVERIFIED[0]) };
  const other = { [LOG]: line("2026-11-29T11:59:00Z", "token has expired") };
  for (const logs of [old, other, {}]) expect(await refusedSignIns(stack("cp1"), machine(logs), NOW)).toEqual([]);
  expect(refusalIn("nonsense\n\n", "cp1", NOW)).toEqual([]);
});

test("a control plane that cannot be asked is told, and keeps no other one from being asked", async () => {
  const refused = machine({ [LOG]: line("2026-11-29T11:00:00Z", UNVERIFIED[0]) });
  const said = await refusedSignIns(
    stack("cp1", "cp2"),
    async (key, host, command) => {
      if (host.name === "cp1") throw new HostUnreached("cp1: cannot be reached over SSH (refused)");
      return refused(key, host, command);
    },
    NOW,
  );
  expect(said).toEqual([
    "refused sign-ins are not looked for in the log of an API server: cp1: cannot be reached over SSH (refused)",
    expect.stringMatching(/^cp2: the API server refused a sign-in/),
  ]);
});

test("a stack that leaves the API server's sign-in as it is asks nobody", async () => {
  const asks = async () => {
    throw new Error("nobody is to be asked");
  };
  expect(await refusedSignIns(settings({}), asks, NOW)).toEqual([]);
});

test("the words are those of the rule that the program gives the API server", () => {
  expect(authenticationText([{ url: "https://i.test", audiences: ["c"] }])).toContain(UNVERIFIED[0]);
});
