/** How the tests run: unit tests anywhere; the rest wants root and the lab, and shares its two cores file by file. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/{house,roster,ci,cli,components,stacks,agent,providers,lab,lobby}/**/*.test.ts"],
          // A thousand runs of a property on a busy machine; what must be quick says so itself, in processor time.
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
