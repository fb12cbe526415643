/** Decides whose credential sync runs: nobody's where the stack names no command for it. */

import type { StackSettings } from "../config/settings/stack-settings.ts";
import type { Person } from "../roster/model.ts";

type Commands = StackSettings["devvm"]["commands"];

/** Pure. */
export const runsCredentialSync = ({ claudeAuth }: Pick<Person, "claudeAuth">, { credentialSync }: Commands): boolean =>
  claudeAuth && credentialSync !== undefined;
