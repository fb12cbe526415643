import { defineConfig } from "vitest/config";

/** Unit tests run anywhere; the rest want root and the lab, and share its two cores, so they run one file at a time. */
export default defineConfig({
  test: {
    expect: { requireAssertions: true },
    projects: [
      {
        extends: true,
        test: { name: "unit", include: ["test/{house,roster,cli,components,stacks,agent,providers,lab}/**/*.test.ts"] },
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
