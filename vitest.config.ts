/** How the tests run: unit tests anywhere; the rest wants root and two labs, and what measures wants the machine to itself. */
import { defineConfig } from "vitest/config";

/** They compare times, or look at the whole machine before and after. */
const ALONE = ["test/e2e/{host-workers,lab-guest,lab-process}.test.ts"];

const endToEnd = {
  setupFiles: ["test/e2e/one-lab-each.ts"],
  testTimeout: 300_000,
  hookTimeout: 600_000,
};

export default defineConfig({
  test: {
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: [
            "test/{house,roster,ci,cli,components,clients,config,stacks,agent,providers,lab,lobby}/**/*.test.ts",
          ],
          // A thousand runs of a property on a busy machine; what must be quick says so itself, in processor time.
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          ...endToEnd,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          exclude: ALONE,
          // Half of such a file is waiting, so two of them fill two cores.
          maxWorkers: 2,
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
