/** Lists the commands of `./ws`; the module of each is loaded when it is called. */

import type { Command } from "./command.ts";

export interface ListedCommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export const COMMANDS: readonly ListedCommand[] = [
  {
    name: "check",
    summary: "say everything that is wrong with a roster",
    load: async () => (await import("./commands/check.ts")).check,
  },
  {
    name: "derive",
    summary: "show what a roster and its history come to",
    load: async () => (await import("./commands/derive.ts")).derive,
  },
  {
    name: "doctor",
    summary: "try every connection and right that the settings require, and say what is missing",
    load: async () => (await import("./commands/doctor.ts")).doctor,
  },
  {
    name: "history",
    summary: "say what changed for a person, when, and who pushed it",
    load: async () => (await import("./commands/history.ts")).history,
  },
  {
    name: "import",
    summary: "write roster, ledger and adoption for people and objects that are there already",
    load: async () => (await import("./commands/import.ts")).importCommand,
  },
  {
    name: "ledger",
    summary: "rebuild a lost ledger from the hosts' own copies",
    load: async () => (await import("./commands/ledger.ts")).ledgerCommand,
  },
  {
    name: "plan",
    summary: "say what would happen to whom on the current stack",
    load: async () => (await import("./commands/plan.ts")).plan,
  },
  {
    name: "probe",
    summary: "check on every surface that offboarded users have no access",
    load: async () => (await import("./commands/probe.ts")).probe,
  },
  {
    name: "remove",
    summary: "archive and delete an offboarded user for good",
    load: async () => (await import("./commands/remove.ts")).remove,
  },
  {
    name: "restore-home",
    summary: "put an archived home back, for somebody who is here again",
    load: async () => (await import("./commands/restore-home.ts")).restoreHome,
  },
  {
    name: "status",
    summary: "say who is as decided, on every surface",
    load: async () => (await import("./commands/status.ts")).status,
  },
];
