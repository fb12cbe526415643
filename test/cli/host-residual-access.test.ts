/** Tests how the probe judges the residual access of an offboarded user on a host. */

import { describe, expect, test } from "vitest";
import { judgeResidualAccess, type ResidualAccess } from "../../cli/probe/host-residual-access.ts";

const NOTHING: ResidualAccess = {
  ...{ sharedProcesses: 0, containers: [], setIdFiles: { theirs: [], unknown: [], incomplete: null } },
};
const web = {
  ...{ engine: "docker", id: "0123456789ab", name: "web", created: "2026-11-01T10:00:00Z" },
  ...{ why: "mounts /home/emo", isTheirs: true },
};
const files = (over: Partial<ResidualAccess["setIdFiles"]>) => ({
  setIdFiles: { ...NOTHING.setIdFiles, ...over },
});
const judged = (over: Partial<ResidualAccess>) =>
  judgeResidualAccess({ ...NOTHING, ...over }).filter(({ verdict }) => verdict !== "cut");

describe("residual access on a host", () => {
  test("that has none is cut, with what was seen", () => {
    expect(judgeResidualAccess(NOTHING).map(({ surface, verdict }) => [surface, verdict])).toEqual([
      ["containers", "cut"],
      ["set-id files", "cut"],
    ]);
  });

  test.each<[string, Partial<ResidualAccess>, string, string]>([
    ["a container of theirs", { containers: [web] }, "containers needs-a-hand", "docker rm --force 0123456789ab"],
    ["a set-id program of theirs", files({ theirs: ["/srv/emo-sh"] }), "set-id files needs-a-hand", "chmod ug-s"],
    ["a process under a shared uid", { sharedProcesses: 1 }, "processes needs-a-hand", "/etc/subuid"],
  ])("%s needs a hand, with what to do", (_, over, expected, todo) => {
    const [found] = judged(over);
    expect(`${found?.surface} ${found?.verdict}`).toBe(expected);
    expect(found?.todo).toContain(todo);
  });

  test.each<[string, Partial<ResidualAccess>, string]>([
    [
      "a privileged container",
      { containers: [{ ...web, why: "is privileged", isTheirs: false }] },
      "docker rm --force",
    ],
    ["a program of root's that no package owns", files({ unknown: ["/usr/local/bin/rootsh"] }), "chmod ug-s"],
  ])("%s, whose maker is not known, is residual and named", (_, over, until) => {
    const [found] = judged(over);
    expect([found?.verdict, found?.says]).toEqual(["residual", expect.stringMatching(/record(s)? who did$/)]);
    expect(found?.until).toContain(until);
  });

  test.each<[string, Partial<ResidualAccess>]>([
    ["an engine that did not answer", { containers: null }],
    ["a search that did not end", files({ incomplete: "the search of / did not end well" })],
  ])("%s leaves it unknown, never cut", (_, over) => {
    expect(judged(over).map(({ verdict }) => verdict)).toEqual(["unknown"]);
  });

  test("of many files ten are named", () => {
    const theirs = Array.from({ length: 12 }, (_, at) => `/srv/${at}`);
    expect(judged(files({ theirs }))[0]?.says).toContain("/srv/9 and 2 more");
  });
});
