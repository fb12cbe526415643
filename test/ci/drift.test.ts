import { expect, test } from "vitest";
import { changeLines } from "../../ci/daily.ts";
import { answerDrift, driftFound, hostDrift } from "../../ci/drift.ts";
import { readHostCheck } from "../../cli/read-host-check.ts";

const touched = (op: string, type: string, name: string) => ({ op, type, name });
const none = { changes: [], due: [], failures: [], warnings: [] };

test("a host's warnings and what is due are no drift; what changed or could not be compared is", () => {
  const check = {
    changes: [{ who: "host", what: "would write /etc/ttyd-admins" }],
    due: [{ who: "dora", what: "would lock the password" }],
    failures: [{ who: "emo", what: "clones: no route to the forge" }],
    warnings: [{ who: "emo", what: "~/code is on no branch (detached), so it is not updated" }],
  };
  expect(hostDrift("vm", check)).toEqual({
    drift: ["  vm: host: would write /etc/ttyd-admins", "  vm: emo: clones: no route to the forge"],
    due: ["  vm: dora: would lock the password"],
    warnings: ["  vm: emo: ~/code is on no branch (detached), so it is not updated"],
    unseen: [],
  });
  const quiet = { drift: [], due: [touched("update", "AccessToken", "emo")] };
  expect(driftFound(quiet, [hostDrift("vm", { ...none, warnings: check.warnings })]).drift).toEqual([]);
});

test("a host whose agent is busy was not seen, and one that cannot answer is drift", () => {
  const answer = (code: number, stdout = "") => answerDrift("vm", { code, stdout, stderr: "x\nlast line\n" });
  expect(answer(75)).toMatchObject({ drift: [], unseen: ["  vm: another run of its agent did not end in time"] });
  expect(answer(1).drift).toEqual(["  vm: cannot be checked (exit code 1): last line"]);
  expect(answer(0, "Last login: yesterday").drift).toHaveLength(1);
  expect(answer(0, JSON.stringify(none))).toEqual({ drift: [], due: [], warnings: [], unseen: [] });
});

test.each(["", "nothing to change\n", "[]", '{"changes":[]}'])("%j is no answer of a host", (text) => {
  expect(readHostCheck(text)).toBeUndefined();
});

test("the daily deployment announces people first, then a host that gets everything again in one line, then resources", () => {
  const outdated = [
    { host: "vm", urns: [], difference: "holds another version of maps", remedy: "", isRedelivered: true },
  ];
  const resources = {
    drift: [touched("create", "ResourceQuota", "tenant-books-quota")],
    due: [
      ...[touched("replace", "Command", "vm-maps"), touched("replace", "CopyToRemote", "vm-agent")],
      ...[touched("replace", "Command", "ada@vm-units"), touched("update", "Command", "ada@other-units")],
    ],
  };
  expect(changeLines(["ada leaves"], outdated, resources)).toEqual([
    "  ada leaves",
    "  vm holds another version of maps: everything is delivered to it again",
    "  create ResourceQuota tenant-books-quota, which was changed by hand",
    "  update Command ada@other-units",
  ]);
});
