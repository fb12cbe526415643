/** Which commit is deployed: what the engine's own history says of the last run that ended well, and nobody else can write. */

import { z } from "zod";
import { readDeploymentMessage } from "../roster/deployment-message.ts";
import { mustPulumi, type StackAt } from "./engine.ts";
import { StepError } from "./environment.ts";

const history = z.array(
  z.object({
    kind: z.string(),
    result: z.string(),
    message: z.string().default(""),
    environment: z.record(z.string(), z.string()).default({}),
  }),
);

/**
 * A run by hand counts with the commit that it was started from.
 * @throws StepError where nothing was ever deployed: the first deployment is an admin's own
 */
export async function deployedCommit(at: StackAt): Promise<string> {
  const text = await mustPulumi(at, ["stack", "history", "--json", "--page-size", "100", "--page", "1"]);
  const last = history.parse(JSON.parse(text)).find(({ kind, result }) => kind === "update" && result === "succeeded");
  const commit = last && (readDeploymentMessage(last.message)?.commit ?? last.environment["git.head"]);
  if (commit !== undefined) return commit;
  throw new StepError(
    `The stack ${at.stack} was never deployed, so nobody knows who its admins are. ` +
      "An admin deploys it the first time by hand, from a checkout of the branch: pulumi up.",
  );
}
