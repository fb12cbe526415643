/** Orders end-to-end files so that the longest begin first, and none of them is left running alone at the end. */

import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ROOT } from "../house/sources.ts";

/** Files that take minutes, longest first, as a run on two cores measured them. The others follow in their own order. */
export const LONGEST: readonly string[] = [
  ...["pipelines-daily", "pipelines", "host-kills", "person-matrix", "deploy-roster", "leaving", "host-git"],
  ...[
    "stem95su",
    "host-life",
    "undelivered",
    "doctor",
    "getting-started",
    "import",
    "terminal",
    "host-homes",
    "user-portal",
  ],
  ...[
    "cluster/injector",
    "runbooks",
    "upgrade",
    "bare-host",
    "canaries",
    "sessions-life",
    "host-removal",
    "pipeline-runner",
  ],
].map((name) => `test/e2e/${name}.test.ts`);

export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification) => {
      const rank = LONGEST.indexOf(relative(ROOT, moduleId));
      return rank < 0 ? LONGEST.length : rank;
    };
    return (await super.sort(specifications)).sort((one, other) => rankOf(one) - rankOf(other));
  }
}
