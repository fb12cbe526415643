/** Tests the frontend services of a host: the secret of the ingress (its file, who may read it, when it goes), and that systemd keeps them running. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { BasePart } from "../../../../agent/contract.ts";
import { codeServerProxySteps } from "../../../../agent/root/host/proxy-and-portal.ts";
import { terminalPrograms } from "../../../../agent/root/host/terminal-programs.ts";
import type { Machine } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { NewFile } from "../../../../agent/lib/files.ts";
import { apply } from "../../../../agent/root/commands/apply-part.ts";
import { base, ingressSecret } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const SECRET = "/etc/workstation/gate.secret";
const ADDRESS = { listen: { address: "10.0.0.5", port: 8900 } };
const HEADER = { header: "X-Ingress-Secret" };

/** A host on which this much was delivered; `sentences` converges the secret's step. */
function hostWith(part: BasePart, stored: readonly object[] = []) {
  const { sys, files } = memoryDoor();
  const written = new Map<string, NewFile>();
  for (const one of stored) files.set("/var/lib/workstation/parts/ingress-secret.json", JSON.stringify(one));
  const m = {
    sys: {
      ...sys,
      replaceFile: (path: string, file: NewFile) => {
        written.set(path, file);
        sys.replaceFile(path, file);
      },
    },
    accounts: () => ({ users: new Map([["workstation-gate", { uid: 990, gid: 991 }]]) }),
  } as unknown as Machine;
  const converge = async () => {
    // Only a bundle holds the program that a later step installs.
    const [, makeSecretStep] = codeServerProxySteps(m, part);
    const step = makeSecretStep?.();
    expect(step?.name).toContain("ingress secret");
    const changes = (await step?.differences()) ?? [];
    for (const { apply: bringAbout } of changes) await bringAbout();
    return changes.map(({ says }) => says.did);
  };
  return { converge, files, written };
}

test("the file of the accepted secrets is root's, and readable by the service's own account alone", async () => {
  const { converge, written } = hostWith(base({ gate: ADDRESS, ingressSecret: HEADER }), [ingressSecret("a", "b")]);
  await converge();
  const { bytes, ...rest } = written.get(SECRET) ?? { bytes: "" };
  expect(rest).toEqual({ mode: 0o640, uid: 0, gid: 991 });
  expect(JSON.parse(bytes.toString())).toEqual(ingressSecret("a", "b").accepted);
});

test("what is there stays until a secret is delivered, and goes when none is asked for", async () => {
  const waiting = hostWith(base({ gate: ADDRESS, ingressSecret: HEADER }));
  waiting.files.set(SECRET, "[]");
  expect([await waiting.converge(), waiting.files.has(SECRET)]).toEqual([[], true]);
  const socket = hostWith(base({ gate: { listen: { socket: "/run/g/g.sock" } }, ingressSecret: HEADER }), [
    ingressSecret("a"),
  ]);
  socket.files.set(SECRET, "[]");
  expect([await socket.converge(), socket.files.has(SECRET)]).toEqual([[expect.stringContaining(SECRET)], false]);
});

test("a secret that arrives before any base part is refused, without a word of it", async () => {
  const { sys } = memoryDoor();
  const text = JSON.stringify(ingressSecret("a"));
  await expect(apply(sys, "ingress-secret", "host", text, undefined)).rejects.toThrow("the base part is missing");
  const damaged = JSON.stringify({ ...ingressSecret("a"), accepted: ["canary of the ingress "] });
  const refused = apply(sys, "ingress-secret", "host", damaged, undefined);
  await expect(refused).rejects.toThrow("the part ingress-secret host is invalid");
  await expect(refused).rejects.not.toThrow("canary");
});

test("a change of a terminal's program or unit restarts the services that run, once", async () => {
  const { sys } = memoryDoor();
  const ran: string[][] = [];
  const run = async (argv: readonly string[]) => {
    ran.push([...argv]);
    return { code: 0, stdout: "", stderr: "" };
  };
  const modes = new Map<string, number>();
  const look = (path: string) => {
    const stat = sys.look(path);
    return stat && { ...stat, mode: modes.get(path), uid: 0, gid: 0 };
  };
  const replaceFile = (path: string, file: NewFile) => {
    modes.set(path, file.mode);
    sys.replaceFile(path, file);
  };
  const m = { sys: { ...sys, run, look, replaceFile } } as unknown as Machine;
  const deliver = async (changed: string, text: string) => {
    const step = terminalPrograms(m, (name) => (name === changed ? text : name));
    for (const { apply: bringAbout } of await step.differences()) await bringAbout();
    return ran.splice(0);
  };
  const restarted = [["/usr/bin/systemctl", "--no-block", "try-restart", "workstation-terminal@*.service"]];
  for (const file of ["terminal.cjs", "terminal-pty.sh", "workstation-terminal@.service"]) {
    expect(await deliver(file, "new")).toEqual(restarted);
    expect(await deliver(file, "new")).toEqual([]);
  }
});

const sections = (unit: string) =>
  new Map(
    readFileSync(`agent/files/${unit}`, "utf8")
      .split(/^(?=\[)/m)
      .map((section) => [section.split("\n")[0] ?? "", section.split("\n")]),
  );
const always = readdirSync("agent/files")
  .filter((name) => name.endsWith(".service"))
  .filter((name) => sections(name).get("[Service]")?.includes("Restart=always"));

test("both frontend services are among the units that always run", () => {
  expect(always).toEqual(expect.arrayContaining(["workstation-gate.service", "workstation-lobby.service"]));
});

test.each(always)("systemd starts %s again however often it has ended", (unit) => {
  expect(sections(unit).get("[Unit]")).toContain("StartLimitIntervalSec=0");
});

test("systemd keeps the portal's request socket open however many requests come at once", () => {
  expect(sections("workstation-lobby-ask.socket").get("[Socket]")).toContain("TriggerLimitIntervalSec=0");
});
