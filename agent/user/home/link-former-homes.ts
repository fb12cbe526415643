/**
 * Links conversations that were recorded below a former home, so that they stay resumable after the account was
 * renamed.
 */

import { symlinkSync } from "node:fs";
import { type Step, says } from "../../lib/converge.ts";
import { conversationsOf } from "./conversation-links.ts";
import type { StepContext } from "./step-context.ts";

export const formerHomes = (context: StepContext): Step => ({
  name: "former homes",
  differences: () =>
    (context.part.formerNames ?? [])
      .flatMap((name) => conversationsOf(context, `/home/${name}`, context.home))
      .map(({ link, target, what }) => ({
        point: "rename-conversations" as const,
        says: says("link", `the conversations of ${what} to its new path`),
        apply: () => symlinkSync(target, link),
      })),
});
