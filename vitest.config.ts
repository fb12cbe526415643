/** Configures the tests: unit tests run anywhere; end-to-end tests need root and labs, and those that measure run alone. */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/e2e/longest-first.ts";

/** They compare times, or look at the whole machine before and after. */
const ALONE = ["test/e2e/{host-workers-in-time,lab-guest,lab-process}.test.ts"];

/**
 * Unit tests that take many seconds each, by what they prove: thousands of derivations, clones and races with git, units,
 * servers and programs that time out, commands in a terminal or compiled anew, generated files in a copy of the project,
 * floods of raw requests. And those that mock modules, since only here each file has a process of its own.
 */
export const SLOW = [
  ...["derivation.property", "names.property", "stop-child-units", "ci/runner", "ci/runner-command", "vault-user-map"],
  ...[
    "fetch-remotes",
    "undo-update",
    "fast-forward",
    "fast-forward-ignored",
    "find-blocking-untracked-files",
    "migrate-to-workspace",
  ],
  ...["find-unsafe-state", "lock-clone", "describe-filter-failure", "upgrade-page"],
  ...["own-command", "cli/start", "cli/remove", "providers/start", "npm-scripts"],
  ...[
    "naive-proxy",
    "injector-proxy",
    "portal/noise",
    "portal/broken-exchanges",
    "portal/terminal/terminals",
    "ci/daily",
  ],
].map((name) => `test/**/${name}.test.ts`);

const UNIT = {
  // A thousand runs of a property on a busy machine; what must be quick says so itself, in processor time.
  testTimeout: 120_000,
  maxWorkers: availableParallelism(),
  globalSetup: "test/temporary-folder.ts",
};

const endToEnd = {
  setupFiles: ["test/e2e/one-lab-each.ts"],
  testTimeout: 300_000,
  hookTimeout: 600_000,
};

export default defineConfig({
  test: {
    expect: { requireAssertions: true },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          ...UNIT,
          name: "unit",
          include: ["test/*/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/bench/**", ...SLOW],
          // A process of its own for each file would be a third of the time. So none of them mocks a module.
          isolate: false,
        },
      },
      { extends: true, test: { ...UNIT, name: "unit-slow", include: SLOW } },
      {
        extends: true,
        test: {
          ...endToEnd,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: ALONE,
          // Each has a lab to itself; by hand it is one after the other.
          maxWorkers: Number(process.env.LABS ?? 1),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: { ...endToEnd, name: "e2e-alone", include: ALONE, maxWorkers: 1, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
