/** Tests how the clones of one person are updated together, and which upstream one is updated to. */
import { afterEach, expect, test } from "vitest";
import { converge } from "../../../../agent/lib/converge.ts";
import { repoClones } from "../../../../agent/user/clones/clone-missing.ts";
import { cloneFacts } from "../../../../agent/user/facts/clone-status.ts";
import { fastForwardChanges, freshness } from "../../../../agent/user/clones/fast-forward.ts";
import { type RealHome, realHome } from "./real-clone.ts";

let real: RealHome;
afterEach(() => real.remove());

const NAMES = ["infra", "a", "b"] as const;

/** Three clones, each one commit behind. */
function threeBehind(): void {
  real = realHome({ layout: "workspace", repos: NAMES.slice(1).map((name) => ({ name, url: "" })) });
  real.sh(`git init -q -b master up; cd up; echo 1 > f; git add f; git commit -qm one; cd ..; mkdir code
for c in ${NAMES.join(" ")}; do git clone -q up code/$c; done; cd up; echo 2 > f; git commit -qam two; cd ..
for c in ${NAMES.join(" ")}; do git -C code/$c fetch -q; done`);
}
const contents = () => real.sh(`cd code; cat ${NAMES.map((name) => `${name}/f`).join(" ")}`).split("\n");

const FOUND = "mkdir code/a/.git/workstation-kept; echo '{' > code/a/.git/workstation-kept/files.json";
const SHOWS = `cd code/a; echo 'f filter=bad' > .git/info/attributes; git config filter.bad.clean cat
git config filter.bad.smudge 'echo { > .git/workstation-kept/files.json; cat'`;

test.each([
  ["is found before anything is updated", FOUND],
  ["shows while it is updated", SHOWS],
])("a clone whose damage %s keeps no other one from being updated, and is named once they are", async (_, damage) => {
  threeBehind();
  real.sh(damage);
  const told: string[] = [];
  const step = freshness(real.place);
  await expect(converge(step, "apply", (sentence) => void told.push(sentence))).rejects.toThrow(
    /^~\/code\/a: .*\/code\/a\/\.git\/workstation-kept\/files\.json is damaged: look through the files beside it/,
  );
  expect(told).toEqual(["infra", "b"].map((name) => `updated ~/code/${name}, master was behind 1`));
  expect([contents()[0], contents()[2]]).toEqual(["2", "2"]);
});

test("a clone that is somebody else's keeps no other one from being updated or told of, and is named", async () => {
  threeBehind();
  real.sh("chmod 755 . ..; chown -R 65534 .; chown 0 code/a; chmod 0 code/a");
  const told: string[] = [];
  process.seteuid?.(65_534);
  try {
    await converge(repoClones(real.place), "apply", (sentence) => void told.push(sentence));
    await converge(freshness(real.place), "apply", (sentence) => void told.push(sentence));
    const facts = await cloneFacts(real.home, real.place.part);
    expect(facts.map(({ state }) => state)).toEqual(["fresh", "kept", "fresh"]);
  } finally {
    process.seteuid?.(0);
  }
  expect(told).toEqual(["infra", "b"].map((name) => `updated ~/code/${name}, master was behind 1`));
  expect(real.warned[0]).toBe("~/code/a cannot be read (EACCES): left unchanged");
});

test("a damaged clone is named also where another one is behind again once it is updated", async () => {
  threeBehind();
  real.sh(FOUND);
  const push = (sentence: string) => {
    if (sentence.includes("code/b")) real.sh("cd up; echo 3 > f; git commit -qam three; cd ..; git -C code/b fetch -q");
  };
  await expect(converge(freshness(real.place), "apply", push)).rejects.toThrow("still differs after one pass");
  expect(real.warned.filter((line) => !line.includes("fetched"))).toEqual([
    expect.stringMatching(/^~\/code\/a: .* is damaged/),
  ]);
});

test("a look names a damaged clone beside what would be updated", async () => {
  threeBehind();
  real.sh(FOUND);
  const told: string[] = [];
  await converge(freshness({ ...real.place, mode: "check" }), "check", (sentence) => void told.push(sentence));
  expect(told).toEqual(["infra", "b"].map((name) => `would update ~/code/${name}, master was behind 1`));
  expect(real.warned).toEqual([expect.stringMatching(/^~\/code\/a: .* is damaged/)]);
});

test("a branch whose upstream is a local branch is not moved onto it", async () => {
  real = realHome();
  real.sh(`git init -q -b master up; cd up; echo 1 > f; git add f; git commit -qm one; cd ..; git clone -q up code
cd code; git checkout -q -b dev; echo unfinished > f; git commit -qam unfinished; git branch -q -u dev master; git checkout -q master`);
  expect(await fastForwardChanges(real.place, `${real.home}/code`, new Set())).toEqual([]);
  expect(real.warned).toEqual([
    "~/code: the upstream of master is refs/heads/dev, which is no branch of a remote, so it is not updated",
  ]);
  expect(real.sh("cat code/f")).toBe("1");
});
