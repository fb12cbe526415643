/** Updates `~/start-claude.sh` when it differs. The tmux configuration beside it is never copied again. */

import type { Step } from "../../lib/converge.ts";
import { ownFileChanges } from "./managed-files.ts";
import type { StepContext } from "./step-context.ts";

export const launcher = (place: StepContext): Step => ({
  name: "launcher",
  differences: () =>
    ownFileChanges(place, {
      path: `${place.home}/start-claude.sh`,
      text: place.launcher,
      mode: 0o755,
      point: "launcher",
    }),
});
