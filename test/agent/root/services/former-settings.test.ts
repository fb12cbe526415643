/** Services that run with settings from before their unit files changed: reported by name, restarted never. */

import type { Stats } from "node:fs";
import { describe, expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { formerSettingsOfAll, reportFormerSettings } from "../../../../agent/root/services/former-settings.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import type { System } from "../../../../agent/root/system/privileged-operations.ts";
import { units } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

const TEMPLATE = "/etc/systemd/system/t3-serve@.service";
const DROP_IN = "/etc/systemd/system/t3-serve@emo.service.d/50-workstation.conf";
const at = (time: string) => Date.parse(`2026-11-28T${time}Z`);

/** A host on which emo's code server was started at 10:00:00, in the form that systemd prints. */
function host(changed: Readonly<Record<string, number>>, active = "active") {
  const { sys } = memoryDoor();
  const ran: string[] = [];
  const run: System["run"] = async (argv, options) => {
    const answer = { argv, code: 0, stderr: "", timedOut: false, overflowed: false };
    if (argv[1] === "list-units")
      return { ...answer, stdout: "t3-serve@emo.service loaded active running Code server\n" };
    if (argv[1] !== "show") {
      ran.push(argv.join(" "));
      return { ...answer, stdout: "" };
    }
    const zone = options?.env?.TZ === "UTC" ? "UTC" : "CET";
    const shown = (unit: string) =>
      unit.startsWith("t3-serve@emo")
        ? `ActiveState=${active}\nExecMainStartTimestamp=Sat 2026-11-28 10:00:00 ${zone}`
        : "ActiveState=inactive\nExecMainStartTimestamp=";
    return {
      ...answer,
      stdout: argv
        .slice(argv.indexOf("--") + 1)
        .map(shown)
        .join("\n\n"),
    };
  };
  const look = (path: string) => (path in changed ? ({ mtimeMs: changed[path] } as Stats) : undefined);
  const m = machineOf({ ...sys, run, look });
  const report = async (state: "present" | "parked" = "present") => {
    const warned: string[] = [];
    const step = reportFormerSettings(m, units({ osUser: "emo", uid: 2000, state }), (line) => void warned.push(line));
    expect(await converge(step, "apply", () => undefined)).toBe(0);
    return warned;
  };
  return { m, report, ran };
}

const SENTENCE =
  "t3-serve@emo.service: still runs with the former settings; not restarted, since that ends what runs in it. To apply " +
  "the new settings, run: systemctl restart t3-serve@emo.service";

describe("a service", () => {
  test.each<[string, Readonly<Record<string, number>>]>([
    ["template", { [TEMPLATE]: at("10:00:01") }],
    ["drop-in", { [TEMPLATE]: at("09:00:00"), [DROP_IN]: at("12:00:00") }],
  ])(
    "that was started before its %s changed is reported, for its person and for the host, and not restarted",
    async (_, changed) => {
      const { m, report, ran } = host(changed);
      expect([await report(), await formerSettingsOfAll(m), ran]).toEqual([[SENTENCE], [SENTENCE], []]);
    },
  );

  test.each<[string, Readonly<Record<string, number>>, string]>([
    ["was started after its files changed", { [TEMPLATE]: at("09:59:59"), [DROP_IN]: at("09:59:59") }, "active"],
    ["was started in the same second", { [TEMPLATE]: at("10:00:00") + 900 }, "active"],
    ["does not run", { [TEMPLATE]: at("11:00:00") }, "inactive"],
  ])("that %s is not", async (_, changed, active) => {
    const { m, report } = host(changed, active);
    expect([await report(), await formerSettingsOfAll(m)]).toEqual([[], []]);
  });

  test("of a parked person is not looked at", async () => {
    expect(await host({ [TEMPLATE]: at("11:00:00") }).report("parked")).toEqual([]);
  });
});
