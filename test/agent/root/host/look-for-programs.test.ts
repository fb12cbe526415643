/** What a host says of the programs that no delivery brings. */
import { expect, test } from "vitest";
import { describeProgram, lookForPrograms } from "../../../../agent/root/host/look-for-programs.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { run } from "../../../../agent/lib/exec.ts";
import { base, clones } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

/** This machine's own shell looks. */
function machine(how: { readonly cluster: boolean } = { cluster: false }) {
  const { sys, files } = memoryDoor();
  const { kubeconfig, ...others } = clones({ osUser: "ana", uid: 2000 });
  const part = how.cluster ? { ...others, kubeconfig } : others;
  files.set("/var/lib/workstation/parts/clones.ana.json", JSON.stringify(part));
  return machineOf({
    ...sys,
    run: (argv, { reads, timeoutMs = 10_000, ...options } = {}) => {
      expect(reads).toBe(true);
      return run(argv, { timeoutMs, ...options });
    },
  });
}

const lines = async (m: ReturnType<typeof machine>, commands: ReturnType<typeof base>["commands"]) =>
  (await lookForPrograms(m, base({ commands }))).map(describeProgram);

test("each program is there, missing, not set or where only its person looks, with its purpose or what fails", async () => {
  const commands = { t3: ["/bin/sh", "-c"], browser: ["/home/%i/bin/browser"] };
  expect((await lines(machine(), commands)).slice(0, 3)).toEqual([
    "program /bin/sh: there; the code server of each person",
    "program /home/%i/bin/browser: where only its person looks; the browser server of each person",
    "program devvm.commands.credentialSync: not set, so nobody's assistant gets credentials by itself",
  ]);
  expect((await lines(machine(), { t3: ["/nowhere/-t3"] }))[0]).toBe(
    "program /nowhere/-t3: missing, so nobody has a code server",
  );
});

test("kubectl and kubelogin are looked for where somebody gets a kubeconfig, and the assistant on every host", async () => {
  const names = async (m: ReturnType<typeof machine>) =>
    (await lookForPrograms(m, base({ commands: {} }))).slice(3).map(({ program }) => program);
  expect(await names(machine())).toEqual(["claude"]);
  expect(await names(machine({ cluster: true }))).toEqual(["kubectl", "kubectl-oidc_login", "claude"]);
});
