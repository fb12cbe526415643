/**
 * Lists the steps of the base part after its packages: managed settings, skel, template units, sudoers, sshd and
 * frontend services.
 */

import { type Change, type Step, says } from "../../lib/converge.ts";
import type { BasePart } from "../../contract.ts";
import { Refusal } from "../../lib/errors.ts";
import type { Machine } from "../system/cached-accounts-and-units.ts";
import { removeAbsentServices } from "./absent-services.ts";
import { managedSettings } from "./claude-managed-settings.ts";
import { runOrThrow } from "../system/privileged-operations.ts";
import { BOOT_UNITS, HOST_UNITS, plainFiles, skelLinks, unitFiles, ZSH_START } from "./base-files.ts";
import { sshd } from "./sshd.ts";
import { sudoers } from "./sudoers.ts";
import { filesStep, type GeneratedFile } from "../system/generated-files.ts";
import { watchSteps } from "./nftables-watch.ts";
import { codeServerProxySteps, portalSteps } from "./proxy-and-portal.ts";
import { reloadSystemdOnChange } from "../services/reload-on-change.ts";

const MANAGED_SETTINGS = "/etc/claude-code/managed-settings.json";

/** Independent steps: one that fails does not keep the others from converging. */
export function baseSteps(m: Machine, part: BasePart): readonly (() => Step)[] {
  return [
    () =>
      filesStep(
        m.sys,
        "managed config",
        [{ path: MANAGED_SETTINGS, text: managedSettings(part), mode: 0o644 }],
        "base-managed-settings",
      ),
    () => filesStep(m.sys, "skel", [...plainFiles(), ...zshStart(m)], "base-file"),
    () => links(m, part),
    () => sudoers(m),
    () => sshd(m),
    () => removeAbsentServices(m, part),
    () => units(m, part),
    () => hostUnits(m),
    ...watchSteps(m),
    ...codeServerProxySteps(m, part),
    ...portalSteps(m, part),
  ];
}

/** One that this host's admins or another tool put there stays. */
export function zshStart(m: Machine): readonly GeneratedFile[] {
  const firstLine = (text: string) => text.split("\n")[0];
  const there = m.sys.read(ZSH_START.path)?.toString("utf8");
  return there === undefined || firstLine(there) === firstLine(ZSH_START.text) ? [ZSH_START] : [];
}

function links(m: Machine, part: BasePart): Step {
  return {
    name: "skel",
    differences: () =>
      [...skelLinks(part.sharedConfig)].flatMap(([path, target]): Change[] => {
        if (m.sys.readLink(path) === target) return [];
        const there = m.sys.look(path);
        if (there !== undefined && !there.isSymbolicLink())
          throw new Refusal(`${path} must be a link to ${target}, but something else is there; move it away`);
        const apply = () => {
          m.sys.makeDirectory(path.slice(0, path.lastIndexOf("/")), 0o755);
          m.sys.replaceLink(path, target);
        };
        return [{ point: "base-link", says: says("link", `${path} to ${target}`), apply }];
      }),
  };
}

const units = (m: Machine, part: BasePart): Step =>
  reloadSystemdOnChange(m, {
    name: "template units",
    key: "template-units",
    files: unitFiles(part),
    filePoint: "base-file",
    loadPoint: "base-daemon-reload",
  });

function hostUnits(m: Machine): Step {
  return {
    name: "host units",
    differences: async () => {
      const states = await m.units([...HOST_UNITS, ...BOOT_UNITS]);
      return [...HOST_UNITS, ...BOOT_UNITS].flatMap((unit): Change[] => {
        const started = (HOST_UNITS as readonly string[]).includes(unit);
        const state = states.get(unit);
        if (state?.file === "enabled" && (!started || state.active === "active")) return [];
        const argv = ["/usr/bin/systemctl", "enable", "--quiet", ...(started ? ["--now"] : []), "--", unit];
        const apply = async () => void (await runOrThrow(m.sys, argv));
        return [{ point: "base-enable", says: says("enable", unit), apply }];
      });
    },
  };
}
