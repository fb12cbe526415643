/**
 * Links conversations that were recorded below a former home, so that they stay resumable after the account was
 * renamed.
 */

import type { Step } from "../../lib/converge.ts";
import { linkConversations } from "./conversation-links.ts";
import type { StepContext } from "./step-context.ts";

export function formerHomes(context: StepContext): Step {
  const failed = new Set<string>();
  return {
    name: "former homes",
    differences: () =>
      (context.part.formerNames ?? []).flatMap((name) =>
        linkConversations(
          context,
          {
            from: `/home/${name}`,
            to: context.home,
            point: "rename-conversations",
            otherwise: "a later run links them once it can",
          },
          failed,
        ),
      ),
  };
}
