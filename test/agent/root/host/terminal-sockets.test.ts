/** Whose terminal sockets run: everybody's who is present, on a host with a portal, also when the portal comes and goes. */
import { expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { terminalSockets } from "../../../../agent/root/host/terminal-sockets.ts";
import { servicesOfHost } from "../../../../agent/root/services/host-services.ts";
import { restore } from "../../../../agent/root/sessions/restore-sessions.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { base, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const PORTAL = { lobby: { listen: { socket: "/run/workstation-lobby/lobby.sock" }, origin: "https://lobby.example" } };
const SOCKET = "workstation-terminal@ana.socket";
const SERVICE = "workstation-terminal@ana.service";
const people = [
  units({ osUser: "ana", uid: 2000 }),
  units({ osUser: "bob", uid: 2001, state: "parked" }),
  units({ osUser: "cleo", uid: 2002, state: "left" }),
];

const matchesGlob = (name: string, pattern: string): boolean => {
  const [before = "", after = ""] = pattern.split("*");
  return name.startsWith(before) && name.endsWith(after);
};

/** A systemd in which these units are active, and those have failed. */
function hostWith(active: readonly string[], broken: readonly string[] = []) {
  const { sys, files } = memoryDoor();
  for (const part of people) files.set(`/var/lib/workstation/parts/units.${part.osUser}.json`, JSON.stringify(part));
  const on = new Set(active);
  const failed = new Set(broken);
  const done: string[] = [];
  const run = async (argv: readonly string[]) => {
    const [, verb = "", ...rest] = argv;
    const names = rest.slice(rest.indexOf("--") + 1);
    if (verb === "enable" || verb === "start") for (const name of names) on.add(name);
    if (verb === "reset-failed") for (const name of names) failed.delete(name);
    if (verb === "disable") for (const name of names) on.delete(name);
    if (verb === "list-units") {
      const loaded = [...on].filter((name) => names.some((pattern) => matchesGlob(name, pattern)));
      const stdout = loaded.map((name) => `${name} loaded active running Terminal\n`).join("");
      return { argv, code: 0, stdout, stderr: "", timedOut: false, overflowed: false };
    }
    if (verb !== "show") done.push(`${verb} ${names.join(" ")}`);
    const blocks = names.map((name) => {
      const file = name.endsWith(".service") ? "static" : on.has(name) ? "enabled" : "disabled";
      const state = failed.has(name) ? "failed" : on.has(name) ? "active" : "inactive";
      return `LoadState=loaded\nActiveState=${state}\nSubState=x\nUnitFileState=${file}`;
    });
    return { argv, code: 0, stdout: `${blocks.join("\n\n")}\n`, stderr: "", timedOut: false, overflowed: false };
  };
  const m = machineOf({ ...sys, run });
  return { m, files, done };
}

test("a portal that is switched on starts the sockets of those who are present, and of nobody else", async () => {
  const { m, done } = hostWith([]);
  await converge(terminalSockets(m, base(PORTAL)), "apply", () => undefined);
  expect(done).toEqual(["enable workstation-terminal@ana.socket", "start workstation-terminal@ana.socket"]);
  await converge(terminalSockets(m, base(PORTAL)), "apply", () => undefined);
  expect(done).toHaveLength(2);
});

test("a portal that is taken away stops every socket before its service", async () => {
  const { m, done } = hostWith([SERVICE, SOCKET, "t3-serve@ana.service"]);
  await converge(terminalSockets(m, base()), "apply", () => undefined);
  expect(done).toEqual([`disable ${SOCKET}`, `disable ${SERVICE}`]);
  await converge(terminalSockets(m, base()), "apply", () => undefined);
  expect(done).toHaveLength(2);
});

test("a host has terminals once a portal was delivered to it", () => {
  const { m, files } = hostWith([]);
  const delivered = (part: object) => files.set("/var/lib/workstation/parts/base.json", JSON.stringify(part));
  expect(servicesOfHost(m).terminals).toBe(false);
  delivered(base());
  expect(servicesOfHost(m).terminals).toBe(false);
  delivered(base(PORTAL));
  expect(servicesOfHost(m).terminals).toBe(true);
});

/** What a restore for ana did. */
async function restoredOn({ m, files, done }: ReturnType<typeof hostWith>): Promise<readonly string[]> {
  files.set("/etc/ttyd-user-map", "ana@x=ana\n");
  files.set("/etc/passwd", "ana:x:2000:2000::/home/ana:/bin/zsh\n");
  files.set("/etc/group", "");
  files.set("/etc/shadow", "");
  expect(await restore(m.sys, { who: "ana", json: false })).toBe(0);
  return done;
}

test.each([
  ["has failed with its service", [], [SOCKET, SERVICE], [`reset-failed ${SOCKET} ${SERVICE}`, `start ${SOCKET}`]],
  ["has failed alone", [], [SOCKET], [`reset-failed ${SOCKET}`, `start ${SOCKET}`]],
  ["has not been started", [], [], [`start ${SOCKET}`]],
  ["runs", [SOCKET], [], []],
])("a restore starts the socket of terminals where it %s: %j", async (_, active, failed, expected) => {
  const host = hostWith(active, failed);
  host.files.set("/var/lib/workstation/parts/base.json", JSON.stringify(base(PORTAL)));
  expect(await restoredOn(host)).toEqual(expected);
});

test("a restore starts no socket of terminals without a portal, or before its user's units are delivered", async () => {
  expect(await restoredOn(hostWith([]))).toEqual([]);
  const host = hostWith([]);
  host.files.set("/var/lib/workstation/parts/base.json", JSON.stringify(base(PORTAL)));
  host.files.delete("/var/lib/workstation/parts/units.ana.json");
  expect(await restoredOn(host)).toEqual([]);
});
