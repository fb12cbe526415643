/** Updates `~/start-claude.sh` when it differs. The tmux configuration beside it is never copied again. */

import type { Step } from "../../lib/converge.ts";
import { ownFileChanges } from "./managed-files.ts";
import type { StepContext } from "./step-context.ts";

export const launcher = (context: StepContext): Step => ({
  name: "launcher",
  differences: () =>
    ownFileChanges(context, {
      path: `${context.home}/start-claude.sh`,
      text: context.launcher,
      mode: 0o755,
      point: "launcher",
    }),
});
