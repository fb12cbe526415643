/** What moves with a renamed user: every parked crontab, since it is called like its user. */
import { expect, test } from "vitest";
import { renameFiles } from "../../../../agent/root/accounts/rename-files.ts";
import { machineOf } from "../../../../agent/root/system/cached-accounts-and-units.ts";
import { account } from "../../../e2e/host/parts.ts";
import { memoryDoor } from "../../in-memory-system.ts";

test("each parked crontab takes the new name, and a parked at job keeps its own", () => {
  const { sys, files } = memoryDoor();
  const folder = "/var/lib/workstation/parked-jobs/ana";
  for (const file of ["uno", "uno.2", "a0000101b2c3d4"]) files.set(`${folder}/${file}`, "");
  const changes = renameFiles(machineOf(sys), account({ osUser: "ana", uid: 2000 }), "uno");
  expect(changes.map(({ says }) => says.did).filter((line) => line.startsWith("moved"))).toEqual([
    `moved ${folder}/uno to ${folder}/ana`,
    `moved ${folder}/uno.2 to ${folder}/ana.2`,
  ]);
});
