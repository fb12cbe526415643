/** What becomes of the units of a service whose command is no longer delivered. */
import { expect, test } from "vitest";
import type { BasePart } from "../../../../agent/contract.ts";
import { converge } from "../../../../agent/lib/converge.ts";
import { removeAbsentServices } from "../../../../agent/root/host/absent-services.ts";
import { unitFiles } from "../../../../agent/root/host/base-files.ts";
import { forgetConvergedUnits } from "../../../../agent/root/state/converged-versions.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { base, units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const T3 = "/etc/systemd/system/t3-serve@.service";
const without = (name: keyof BasePart["commands"]) => {
  const { [name]: _, ...commands } = base().commands;
  return base({ commands });
};

/** A host with every template and two people, whose systemd loads an instance only while its template is there. */
function host(broken?: string) {
  const { sys, files } = memoryDoor();
  for (const { path, text } of unitFiles(base())) files.set(path, text);
  const people = [units({ osUser: "ana", uid: 2000 }), units({ osUser: "cleo", uid: 2001, state: "left" })];
  for (const part of people) files.set(`/var/lib/workstation/parts/units.${part.osUser}.json`, JSON.stringify(part));
  const on = new Set(["t3-serve@ana.service", "browser-serve@ana.service", "credential-sync@ana.timer"]);
  const done: string[] = [];
  const run = async (argv: readonly string[]) => {
    const [, verb = "", ...rest] = argv;
    const names = rest.slice(rest.indexOf("--") + 1);
    if (verb !== "show") done.push([verb, ...(rest.includes("--") ? names : [])].join(" "));
    const fails = verb === "disable" && names.includes(broken ?? "");
    if (verb === "disable" && !fails) for (const name of names) on.delete(name);
    const blocks = names.map((name) => {
      const isLoaded = files.has(`/etc/systemd/system/${name.replace(/@.*\./, "@.")}`);
      const file = on.has(name) ? "enabled" : "disabled";
      return `LoadState=${isLoaded ? "loaded" : "not-found"}\nActiveState=${on.has(name) ? "active" : "inactive"}\nSubState=x\nUnitFileState=${file}`;
    });
    const stdout = `${blocks.join("\n\n")}\n`;
    return { argv, code: fails ? 1 : 0, stdout, stderr: fails ? "timed out" : "", timedOut: false, overflowed: false };
  };
  const m = machineOf({ ...sys, run });
  const apply = async (part: BasePart) => {
    const said: string[] = [];
    await converge(removeAbsentServices(m, part), "apply", (sentence) => said.push(sentence));
    return said;
  };
  return { m, files, done, on, apply };
}

test("everybody's instances are stopped before the template goes, and a second run changes nothing", async () => {
  const { files, done, on, apply } = host();
  expect(await apply(without("t3"))).toEqual([
    "stopped t3-serve@ana.service, disabled",
    `removed ${T3}`,
    "reloaded systemd's configuration",
  ]);
  expect(done).toEqual(["disable t3-serve@ana.service", "daemon-reload"]);
  expect([files.has(T3), [...on]]).toEqual([false, ["browser-serve@ana.service", "credential-sync@ana.timer"]]);
  expect(await apply(without("t3"))).toEqual([]);
});

test("the credential sync goes with its timer, and a host with every command loses nothing", async () => {
  const { files, apply } = host();
  expect(await apply(base())).toEqual([]);
  expect(await apply(without("credentialSync"))).toEqual([
    "stopped credential-sync@ana.timer, disabled",
    "removed /etc/systemd/system/credential-sync@.timer",
    "removed /etc/systemd/system/credential-sync@.service",
    "reloaded systemd's configuration",
  ]);
  expect(files.has(T3)).toBe(true);
});

test("an instance that cannot be stopped keeps its template", async () => {
  const { files, apply } = host("t3-serve@ana.service");
  await expect(apply(without("t3"))).rejects.toThrow("timed out");
  expect(files.has(T3)).toBe(true);
});

test("a unit of the same name that this program has not written stays, and so do its instances", async () => {
  const { files, done, apply } = host();
  files.set(T3, "[Service]\nExecStart=/opt/own/t3\n");
  expect(await apply(without("t3"))).toEqual([]);
  expect([files.has(T3), done]).toEqual([true, []]);
});

test("forgetting the converged units keeps the record of the other parts", () => {
  const { m, files } = host();
  const path = "/var/lib/workstation/converged.json";
  forgetConvergedUnits(m.sys);
  expect(files.has(path)).toBe(false);
  files.set(path, JSON.stringify({ ana: { account: "a1", units: "a1" }, cleo: { clones: "a1" } }));
  forgetConvergedUnits(m.sys);
  expect(JSON.parse(files.get(path) ?? "")).toEqual({ ana: { account: "a1" }, cleo: { clones: "a1" } });
});
