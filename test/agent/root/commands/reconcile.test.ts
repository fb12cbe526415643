/** The hourly run on a host that has had no delivery, and on one that has lost a part of it. */
import { afterEach, expect, test, vi } from "vitest";
import { reconcile } from "../../../../agent/root/commands/reconcile.ts";
import { maps } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

afterEach(() => void vi.restoreAllMocks());

test.each(["apply", "check"] as const)(
  "a host without any delivery has nothing to do and says so (%s)",
  async (mode) => {
    const said: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => said.push(String(text)) > 0);
    expect(await reconcile(memoryDoor().sys, mode, 0, undefined)).toBe(0);
    expect(said).toEqual(["nothing has been delivered to this host yet: nothing to do\n"]);
  },
);

test("a host that has had deliveries and has no base part is not taken for a new one", async () => {
  const { sys, files } = memoryDoor();
  files.set("/var/lib/workstation/parts/maps.json", JSON.stringify(maps([])));
  await expect(reconcile(sys, "apply", 0, undefined)).rejects.toThrow(
    "the base part is missing, though this host has had deliveries; run a deployment",
  );
});
