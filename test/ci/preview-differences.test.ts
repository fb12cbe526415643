import { expect, test } from "vitest";
import { REVERTED_FROM } from "../../clients/kubernetes/additions.ts";
import { differencesBetween, type Preview, reverted } from "../../ci/pull-request/preview-differences.ts";

const step = (op: string, name: string, inputs: object = {}, detailedDiff: object | null = null) => ({
  ...{ op, urn: `urn:pulumi:prod::workstation::workstation:devvm:DevVm$command:remote:Command::${name}` },
  ...{ newState: { inputs }, detailedDiff: detailedDiff as Record<string, unknown> | null },
});
const preview = (...steps: ReturnType<typeof step>[]): Preview => ({ steps });

test("what the base would do already is told apart from what the change does", () => {
  const old = step("update", "maps", { text: "a" }, { text: {} });
  expect(
    differencesBetween(preview(old, step("same", "base")), preview(old, step("create", "dora"), step("same", "base"))),
  ).toEqual({
    change: [{ op: "create", type: "Command", name: "dora" }],
    before: [{ op: "update", type: "Command", name: "maps" }],
  });
});

test("a resource that differs already and that the change alters further belongs to both", () => {
  const { change, before } = differencesBetween(
    preview(step("update", "maps", { text: "a" }, { text: {} })),
    preview(step("update", "maps", { text: "b" }, { text: {} })),
  );
  expect([change.length, before.length]).toEqual([1, 1]);
});

test("a difference in secrets alone is none: the state of previews holds no secret", () => {
  const inputs = { stdin: "[secret]", name: "x" };
  const hidden = { ...step("update", "credentials", inputs, { stdin: {} }), oldState: { inputs } };
  expect(differencesBetween(preview(hidden), preview(hidden))).toEqual({ change: [], before: [] });
  const open = { ...hidden, oldState: { inputs: { ...inputs, name: "y" } } };
  expect(differencesBetween(preview(open), preview(open)).before).toHaveLength(1);
});

test("the three steps of a replacement are one", () => {
  const replaced = ["create-replacement", "replace", "delete-replaced"].map((op) => step(op, "maps"));
  expect(differencesBetween({}, preview(...replaced)).change).toEqual([
    { op: "replace", type: "Command", name: "maps" },
  ]);
});

test("an update that takes an addition back is drift, though each preview has it; one that took it back before is not", () => {
  const marked = (mark?: string) => ({
    metadata: { annotations: mark === undefined ? {} : { [REVERTED_FROM]: mark } },
  });
  const updated = (name: string, was?: string, is?: string) => {
    return { ...step("update", name, marked(is)), oldState: { inputs: marked(was) } };
  };
  const found = preview(updated("new", undefined, "7"), updated("again", "7", "9"), updated("before", "7", "7"));
  expect(reverted(found).map(({ name }) => name)).toEqual(["new", "again"]);
  expect(reverted(preview(updated("none"), step("create", "other")))).toEqual([]);
});

test("the version in which additions were found does not tell two previews apart", () => {
  const found = (version: string) => {
    const inputs = { metadata: { annotations: { [REVERTED_FROM]: version } } };
    return preview({ ...step("update", "owner", inputs, { metadata: {} }) });
  };
  expect(differencesBetween(found("9"), found("10")).change).toEqual([]);
});
