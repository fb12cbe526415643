/** What `make up` says before it begins, and which tools it has built. */
import { expect, test } from "vitest";
import { LAB_TOOLS, TOOL_NAMES } from "../../lab/toolchain/tools.ts";
import { describeUp, type UpPlan } from "../../lab/up-plan.ts";
import { files, text } from "../house/sources.ts";

const ready: UpPlan = {
  lab: "lab",
  processors: 2,
  packages: [],
  tools: [],
  installsDebian: false,
  withPeople: true,
};

test("a machine that has everything is told the two steps and their time", () => {
  expect(describeUp(ready).split("\n")).toEqual([
    'Starting the lab "lab": about 2 min. The steps:',
    "  1. servers: cluster, DevVM, forge, Vault (half a minute)",
    "  2. people: pulumi up of roster.yaml (1 min)",
  ]);
});

test("a new machine is told what is done once, how long that takes on its processors, and what needs no lab", () => {
  const plan = { ...ready, packages: ["runc"], tools: LAB_TOOLS, installsDebian: true };
  const [head, ...steps] = describeUp(plan).split("\n");
  expect(head).toBe('Starting the lab "lab": about 26 min, most of it this once. The steps:');
  expect(steps).toHaveLength(6);
  expect(steps[1]).toMatch(/^ {2}2\. tools, built once from pinned Go modules: language-host, .*, vault \(23 min\)$/);
  expect(steps.at(-1)).toBe("Meanwhile, without a lab: ./ws check roster.yaml, ./ws derive roster.yaml");
  expect(describeUp({ ...plan, processors: 8 })).toContain("(6 min)");
});

test("the tools that an up waits for are those that the lab's own sources ask for", () => {
  const asked = files(/^lab\/(?!toolchain\/).*\.ts$/).flatMap((file) =>
    [...text(file).matchAll(/(?:tools\.get|toolPath|openToolchain)\(\[?"([a-z-]+)"/g)].map(([, tool]) => tool),
  );
  expect([...new Set(asked)].sort()).toEqual([...LAB_TOOLS].sort());
  expect(LAB_TOOLS.length).toBeLessThan(TOOL_NAMES.length);
});
