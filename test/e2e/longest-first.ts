/** Orders end-to-end files so that the longest begin first, and none of them is left running alone at the end. */

import { relative } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { ROOT } from "../house/sources.ts";

/** Files that take minutes, longest first, as a run on two cores measured them. The others follow in their own order. */
export const LONGEST: readonly string[] = [
  "pipelines",
  "pipelines-daily",
  "host-kills",
  "person-matrix",
  "deploy-roster",
  "host-life",
  "bare-host",
  "host-git",
  "runbooks",
  "leaving",
  "terminal",
  "stem95su",
  "sessions-life",
  "cluster/life",
  "cluster/injector",
  "host-other-programs",
  "host-faults",
  "import",
  "user-portal",
  "host-homes",
  "host-removal",
  "undelivered",
  "host-workers",
  "getting-started",
  "pipelines-preview",
  "cluster/api-server",
  "canaries",
  "upgrade",
  "pipeline-runner",
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
