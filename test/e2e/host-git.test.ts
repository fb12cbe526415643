/** Clones on a real host: locked, migrated, hoisted, wired and kept fresh, with remotes and clones of every kind. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Said, startTestHost, type TestHost } from "./host/host.ts";
import { account, base, clones, credentials, maps, REMOTE, type Somebody } from "./host/parts.ts";

let host: TestHost;
let next = 7300;
const people: Somebody[] = [];
beforeAll(async () => {
  host = await startTestHost("hostgit", 3);
  await host.sh(`cd /srv/work/infra; git-crypt init; echo 'secrets/** filter=git-crypt diff=git-crypt' > .gitattributes
mkdir secrets; echo 'the password' > secrets/one; git add .; git -c user.name=t -c user.email=t commit -qm secret
git-crypt export-key /root/key; git push -q origin master; git push -q push master`);
  await host.apply(base({ commands: { t3: ["/bin/true"], browser: ["/bin/true"], credentialSync: ["/bin/true"] } }));
});
afterAll(() => host.vm.stop());

/** A new person with their account; what is below the home is the test's. */
async function somebody(over: Partial<Somebody> = {}): Promise<Somebody & { readonly home: string }> {
  next += 1;
  const who = { osUser: `p${next}`, uid: next, ...over };
  people.push(who);
  await host.apply(maps(people));
  await host.apply(account(who));
  return { ...who, home: `/home/${who.osUser}` };
}
/** Many at once, in one run: what is asked of each of them is asked of all together. */
async function manyPeople(names: readonly string[], over: (name: string) => Partial<Somebody> = () => ({})) {
  const many = new Map(
    names.map((name) => {
      next += 1;
      return [name, { osUser: `p${next}`, uid: next, home: `/home/p${next}`, ...over(name) }] as const;
    }),
  );
  people.push(...many.values());
  const of = (name: string): Somebody & { readonly home: string } => {
    const who = many.get(name);
    if (who === undefined) throw new Error(`nobody is called ${name}`);
    return who;
  };
  await host.put([maps(people), ...[...many.values()].map(account)]);
  return { of, all: [...many] };
}
/** What a run said about one person: their lines without the name, and the reason of their failure. */
const toldOf = (said: Said, { osUser }: Somebody) => ({
  out: said.out.flatMap((line) => (line.startsWith(`${osUser}: `) ? [line.slice(osUser.length + 2)] : [])),
  err: said.err.filter((line) => line.includes(`${osUser}: `)).join("\n"),
});
/** A script for each person, as them, in one go; what each has printed. */
async function asEach<T extends string>(
  many: readonly (readonly [T, Somebody])[],
  script: (name: T, who: Somebody) => string,
): Promise<ReadonlyMap<T, string>> {
  const mark = "-- of the next person --";
  const one = ([name, who]: readonly [T, Somebody]) =>
    `runuser -u ${who.osUser} -- /bin/bash <<'SCRIPT' 2>&1\ncd; ${script(name, who)}\nSCRIPT\necho '${mark}'`;
  const said = await host.sh(many.map(one).join("\n"), { timeoutMs: 240_000 });
  const each = said.split(mark).map((text) => text.trim());
  return new Map(many.map(([name], at) => [name, each[at] ?? ""]));
}
const as = (who: Somebody, script: string) => host.sh(script, { as: who.osUser });
/** The next delivery of this person's clones; then another one, which must find nothing to do. */
async function converged(who: Somebody) {
  const said = await host.apply(clones(who));
  const again = await host.apply(clones(who));
  expect(again.out).toEqual([`${who.osUser}: nothing to change`]);
  return { ...said, own: said.out.map((line) => line.replace(`${who.osUser}: `, "")) };
}
const commitUpstream = (name: string) =>
  host.sh(
    `cd /srv/work/infra; date +%N > ${name}; git add .; git -c user.name=t -c user.email=t commit -qm ${name}; git push -q origin master; git push -q push master`,
  );

test("a locked clone holds ciphertext and all the rest, is clean, and can be unlocked elsewhere with the key", async () => {
  const who = await somebody();
  await converged(who);
  const seen = await as(
    who,
    "cd ~/code; head -c 9 secrets/one | tail -c 8; echo; cat readme; git status --porcelain; git diff; git config filter.git-crypt.smudge; touch secrets/one; git status --porcelain; git stash list",
  );
  expect(seen).toBe("GITCRYPT\nhello\ncat");
  await host.sh(
    `rm -rf /srv/open; git clone -q ${who.home}/code /srv/open; cd /srv/open; git config --remove-section filter.git-crypt 2>/dev/null; git-crypt unlock /root/key`,
  );
  expect(await host.sh("cat /srv/open/secrets/one")).toBe("the password");
});

test("attributes that come with a commit run nothing, and encrypted files stay encrypted", async () => {
  const who = await somebody();
  await host.sh(`cd /srv/work/infra; printf '%s\\n' '* filter=evil diff=evil merge=evil' 'secrets/** filter=git-crypt' '[attr]x filter=evil' > apps/.gitattributes; printf '[filter "evil"]\\nsmudge = id -u >> /var/tmp/who\\n' > .gitconfig
git add .; git -c user.name=t -c user.email=t commit -qm evil; git push -q origin master; git push -q push master`);
  await converged(who);
  expect(
    await as(
      who,
      "head -c 9 ~/code/secrets/one | tail -c 8; cat /var/tmp/who 2>/dev/null; git -C ~/code status --porcelain",
    ),
  ).toBe("GITCRYPT");
});

/** Every way in which a clone's configuration starts something (proof, 7.3). */
const HOSTILE = `w=~/w; printf '#!/bin/sh\\nid -u >> /var/tmp/who\\nexec cat\\n' > $w; chmod +x $w; cd ~/code; echo '* filter=x diff=x' > .git/info/attributes
for k in core.fsmonitor core.sshCommand core.pager core.editor core.askPass core.gitProxy filter.x.clean filter.x.smudge filter.x.process diff.external diff.x.textconv credential.helper core.alternateRefsCommand gpg.program uploadpack.packObjectsHook; do git config $k $w; done
git config core.hooksPath .git/hooks; for h in post-checkout post-merge reference-transaction pre-auto-gc fsmonitor-watchman post-index-change; do cp $w .git/hooks/$h; done; touch readme`;

test("what a hostile clone starts runs as its owner alone, also when an admin starts the agent by sudo", async () => {
  const who = await somebody();
  const admin = await somebody({ groups: ["sudo"], layout: "untouched" });
  await converged(who);
  await host.sh("rm -f /var/tmp/who; install -m 666 /dev/null /var/tmp/who");
  await as(who, HOSTILE);
  await host.sh("sed -i 's/.*//' /var/tmp/who; > /var/tmp/who");
  // The fixture bites: a naive root runs it.
  await host.sh(
    `cd ${who.home}/code; git -c safe.directory='*' status >/dev/null 2>&1; git -c safe.directory='*' fetch --all >/dev/null 2>&1; true`,
  );
  expect(await host.sh("sort -u /var/tmp/who")).toContain("0");
  await host.sh("> /var/tmp/who");
  await commitUpstream("hostile");
  await host.workstation("reconcile");
  await host.sh("sudo workstation reconcile; true", { as: admin.osUser });
  expect(await host.sh("sort -u /var/tmp/who | tr '\\n' ' '")).toMatch(new RegExp(`^(${who.uid} )?$`));
});

test("a clone whose .git leads elsewhere, whose worktree is /etc, or which borrows another home's objects is left alone", async () => {
  const who = await somebody();
  await converged(who);
  const before = await host.sh(
    "find /etc -newer /srv/git-server.mjs | sort | grep -v -e t3-serve -e /etc/.pwd -e workstation | sha256sum; ls /root | sha256sum",
  );
  await as(who, "cd ~/code; git config core.worktree /etc");
  expect((await host.apply(clones(who))).code).toBe(0);
  await as(
    who,
    "cd ~/code; git config --unset core.worktree; echo /home/p7301/code/.git/objects > .git/objects/info/alternates",
  );
  expect((await host.apply(clones(who))).code).toBe(0);
  await as(who, "cd ~/code; rm .git/objects/info/alternates; mv .git ../moved; echo 'gitdir: /root/secret.git' > .git");
  const said = await host.apply(clones(who));
  expect(said.err.join("\n")).toContain("~/code is a directory and not a clone: left unchanged");
  expect(
    await host.sh(
      "find /etc -newer /srv/git-server.mjs | sort | grep -v -e t3-serve -e /etc/.pwd -e workstation | sha256sum; ls /root | sha256sum",
    ),
  ).toBe(before);
});

/** All that a person could lose: refs, the index, dirty and untracked files, the stash, reflogs. */
const treasures = (dir: string) =>
  `cd ${dir}; git for-each-ref; git stash list; git status --porcelain; git diff | sha256sum; git fsck 2>&1 | grep -v -e dangling -e notice; find . -path ./.git -prune -o -type f ! -path './wt/*' -print | sort | xargs -d '\\n' sha256sum | sort`;

test("a clone becomes part of a workspace as a whole: nothing in it is lost, work goes on in it, conversations are found", async () => {
  const single = await somebody();
  await converged(single);
  await as(
    single,
    `cd ~/code; git checkout -q -b mine; echo a > new; git add new; git commit -qm mine; git checkout -q master; echo stashed >> readme; git stash -q
echo dirty >> readme; mkdir -p "un tracked"; echo x > "un tracked/f"; git worktree add -q ../wt mine; git worktree add -q wt -b inner
mkdir -p ~/.claude/projects/-home-${single.osUser}-code ~/.claude/projects/-home-${single.osUser}-code-apps
echo '{"cwd":"/home/${single.osUser}/code","x":1}' > ~/.claude/projects/-home-${single.osUser}-code/1.jsonl
echo '{"cwd":"/home/${single.osUser}/code-apps"}' > ~/.claude/projects/-home-${single.osUser}-code-apps/2.jsonl`,
  );
  await host.sh(
    `cd ${single.home}/code/apps; systemd-run --quiet --unit=works --uid=${single.uid} --working-directory=${single.home}/code/apps sleep 600`,
  );
  const before = await as(single, treasures("~/code"));
  const who = { ...single, layout: "workspace" as const, repos: [{ name: "tripit", url: `${REMOTE}/tripit` }] };
  const said = await converged(who);
  expect(said.own.slice(0, 4)).toEqual([
    "linked the conversations of ~/code to its new path",
    "moved the clone at ~/code out of the way",
    "created ~/code",
    "moved the clone to ~/code/infra",
  ]);
  expect(await as(single, treasures("~/code/infra"))).toBe(before);
  expect(
    await as(single, "git -C ~/wt status --short --branch; git -C ~/code/infra/wt status --short --branch; ls ~/code"),
  ).toBe("## mine\n## inner\ninfra\ntripit");
  expect(await host.sh("readlink /proc/$(systemctl show -p MainPID --value works)/cwd; systemctl stop works")).toBe(
    `${who.home}/code/infra/apps`,
  );
  expect(
    await as(single, `cat ~/.claude/projects/-home-${single.osUser}-code-infra/1.jsonl; ls ~/.claude/projects | wc -l`),
  ).toBe(`{"cwd":"/home/${single.osUser}/code","x":1}\n3`);
});

test.each(["migrate-conversations", "migrate-set-aside", "migrate-make-code", "migrate-put-back"])(
  "a migration that is killed around %s is finished by the next run, and the clone is never gone",
  async (point) => {
    for (const moment of ["before", "after"]) {
      const single = await somebody();
      await converged(single);
      await as(
        single,
        `cd ~/code; echo dirty >> readme; mkdir -p ~/.claude/projects/-home-${single.osUser}-code; echo '{"cwd":"/home/${single.osUser}/code"}' > ~/.claude/projects/-home-${single.osUser}-code/1.jsonl`,
      );
      const before = await as(single, treasures("~/code"));
      const who = { ...single, layout: "workspace" as const };
      const killed = await host.apply(clones(who), `${point}:${moment}`);
      expect(killed.err.join("\n")).toContain(`${who.osUser}: clones: the worker ended early`);
      expect(
        await as(single, "ls -d ~/code/.git ~/code/infra/.git ~/.code.workstation-moving/.git 2>/dev/null | wc -l"),
      ).toBe("1");
      await converged(who);
      expect(await as(single, treasures("~/code/infra"))).toBe(before);
      expect(
        await as(
          single,
          `ls -A ~ | grep workstation; cat ~/.claude/projects/-home-${single.osUser}-code-infra/1.jsonl | wc -l`,
        ),
      ).toBe("1");
    }
  },
);

test("a nested clone of a roster repo moves up; what the infra repo tracks, and what is there already, stays", async () => {
  const who = await somebody({ layout: "workspace" });
  await converged(who);
  await as(
    who,
    `cd ~/code/infra; for r in tripit apps other Tripit; do rm -rf $r.n; git clone -q ${REMOTE}/tripit $r.n; done; mv tripit.n tripit; mv other.n other; mv Tripit.n Tripit; rm -rf apps; mv apps.n apps; echo mine > tripit/mine; mkdir ../other; echo kept > ../other/kept`,
  );
  const repos = ["tripit", "apps", "other"].map((name) => ({ name, url: `${REMOTE}/tripit` }));
  const said = await host.apply(clones({ ...who, repos }));
  expect(said.out).toContain(`${who.osUser}: moved ~/code/infra/tripit to ~/code/tripit`);
  expect(said.err.join("\n")).toContain(
    "~/code/infra/other is a clone, but ~/code/other exists too: both left unchanged",
  );
  expect(
    await as(
      who,
      "cd ~/code; cat tripit/mine other/kept; ls -d infra/apps/.git infra/other/.git infra/Tripit/.git; ls -d apps/.git",
    ),
  ).toBe("mine\nkept\ninfra/Tripit/.git\ninfra/apps/.git\ninfra/other/.git\napps/.git");
});

test("a clone that predates the forge gets its remote and tracks it; what the person chose stays", async () => {
  const old = await somebody();
  await as(old, `git clone -q ${REMOTE}/infra ~/code`);
  const said = await converged(old);
  expect(said.own.filter((line) => /forgejo|pass/.test(line))).toEqual([
    "set the pass-through for encrypted files in ~/code",
    "added remote forgejo to ~/code",
    "set master of ~/code to track forgejo/master",
  ]);
  const chosen = await somebody();
  await as(
    chosen,
    `git clone -q ${REMOTE}/infra ~/code; cd ~/code; git remote add mine ${REMOTE}/infra; git fetch -q mine; git branch -q -u mine/master; git remote add forgejo ${REMOTE}/elsewhere`,
  );
  await host.apply(clones(chosen));
  expect(await as(chosen, "git -C ~/code config branch.master.remote; git -C ~/code config remote.forgejo.url")).toBe(
    `mine\n${REMOTE}/elsewhere`,
  );
});

const DELETES_TAGS = "with settings by which a fetch deletes tags";

/** State of a clone, how to bring it about, and what is said about it; an empty text means that it is updated. */
const STATES: readonly (readonly [string, string, string])[] = [
  ["clean", "true", ""],
  ["with an untracked file", "echo x > untracked", ""],
  ["dirty", "echo x >> readme", "has uncommitted changes"],
  ["ahead", "echo x > mine; git add mine; git -c user.name=t -c user.email=t commit -qm mine", "diverged"],
  ["detached", "git checkout -q --detach", "is on no branch"],
  ["on another branch", "git checkout -q -b other", "-"],
  ["without an upstream", "git config branch.master.remote mine", "no upstream"],
  ["with a damaged index", "echo garbage > .git/index", "index"],
  ["with a lock on its index", "touch .git/index.lock", "index.lock"],
  [
    "in the middle of a merge",
    "git checkout -q -b m; echo m > readme; git -c user.name=t -c user.email=t commit -qam m; git checkout -q master; echo n > readme; git -c user.name=t -c user.email=t commit -qam n; git merge -q m >/dev/null 2>&1; true",
    "diverged",
  ],
  [
    "with a damaged branch",
    "echo garbage > .git/refs/heads/master",
    "is on no branch|cannot be read|could not be fetched",
  ],
  [
    "with an ignored file that the update brings",
    "mkdir -p .git/info; echo NEW >> .git/info/exclude; echo secret > NEW",
    "NEW, which git does not",
  ],
  ["with a directory that cannot be written", "chmod 555 apps", "as it was before: .*apps/one.*Permission denied"],
  [
    "without a required filter",
    "git config filter.big.required true; git config filter.big.smudge git-big; mkdir -p .git/info; echo 'NEW filter=big' > .git/info/attributes",
    "as it was before: .*git-big.*NEW: smudge filter big failed",
  ],
  [
    DELETES_TAGS,
    "git tag mine; git config fetch.pruneTags true; git config --add remote.forgejo.fetch '+refs/tags/*:refs/tags/*'",
    "",
  ],
];

const FACTS =
  "cd ~/code; git status --porcelain 2>/dev/null; cat .git/HEAD; git rev-parse HEAD 2>&1; sha256sum readme 2>&1; git ls-files --stage 2>&1; ls -A; ls .git/index.lock 2>&1; true";

test("a clone is updated only when that is certain to be safe, in whatever state it is", async () => {
  const { all } = await manyPeople(STATES.map(([state]) => state));
  await host.put(all.map(([, who]) => clones(who)));
  await host.converge();
  const brought = `state-${next}`;
  const named = (text: string) => text.replaceAll("NEW", brought);
  const scripts = new Map(STATES.map(([state, script]) => [state, named(script)]));
  await asEach(all, (state) => `cd ~/code; ${scripts.get(state)}`);
  await host.sh("date +%N >> /srv/work/infra/apps/one");
  await commitUpstream(brought);
  const before = await asEach(all, () => FACTS);
  const said = await host.workstation("reconcile");
  const after = await asEach(all, () => FACTS);
  const heads = await asEach(all, () => "cd ~/code; git rev-parse HEAD forgejo/master 2>&1 | uniq | wc -l");
  const again = await host.workstation("reconcile");
  for (const [state, , told] of STATES) {
    const who = all.find(([name]) => name === state)?.[1] ?? people[0];
    if (who === undefined) throw new Error("nobody");
    const { out, err } = toldOf(said, who);
    if (told === "")
      expect([state, out, heads.get(state)]).toEqual([state, ["updated ~/code, master was behind 1"], "1"]);
    else {
      if (told !== "-") expect([state, err]).toEqual([state, expect.stringMatching(new RegExp(named(told)))]);
      expect([state, out, after.get(state)]).toEqual([state, [], before.get(state)]);
    }
    expect([state, toldOf(again, who).out]).toEqual([state, []]);
  }
  expect(await asEach(all, () => "cd ~/code; git tag --list mine").then((tags) => tags.get(DELETES_TAGS))).toBe("mine");
  // What is damaged stays damaged; nobody has to hear of it in the rest of the tests.
  await host.put(all.map(([, who]) => clones({ ...who, layout: "untouched" })));
});

const MISBEHAVING = ["hang", "slow", "error", "garbage", "loop", "inward", "gone"] as const;

test("a remote that misbehaves in any way is a warning, in bounded time, and nothing is lost", async () => {
  const urlOf = (mode: string) => (mode === "gone" ? "http://127.0.0.1:9/x" : `http://127.0.0.1:8080/${mode}/infra`);
  const old = await manyPeople(MISBEHAVING);
  await host.put(old.all.map(([, who]) => clones(who)));
  await host.converge();
  await asEach(old.all, (mode) => `cd ~/code; git remote set-url forgejo ${urlOf(mode)}`);
  const fresh = await manyPeople(MISBEHAVING, (mode) => ({ infra: { origin: urlOf(mode) } }));
  await host.put(fresh.all.map(([, who]) => clones(who)));
  const started = performance.now();
  const said = await host.workstation("reconcile");
  expect(performance.now() - started).toBeLessThan(60_000);
  await host.sh("systemctl stop workstation-finish; rm -rf /var/lib/workstation/unfinished");
  const halves = await asEach(fresh.all, () => "ls -A ~ | grep -c -e code -e workstation; true");
  for (const [mode, who] of old.all) {
    expect([mode, toldOf(said, who).err], JSON.stringify(said)).toEqual([
      mode,
      expect.stringMatching(
        /warning: (~\/code: the remote forgejo could not be fetched|a remote did not answer in time|~\/code: master and its upstream have diverged)/,
      ),
    ]);
    expect(await host.sh(`cat /var/lib/workstation/failures/${who.osUser}.json 2>/dev/null; true`)).toBe("");
  }
  for (const [mode, who] of fresh.all) {
    expect([mode, toldOf(said, who).err]).toEqual([
      mode,
      expect.stringContaining("~/code could not be cloned and is retried by the next run"),
    ]);
    expect([mode, halves.get(mode)]).toEqual([mode, "0"]);
  }
  const repaired = [...old.all, ...fresh.all].map(([, who]) => clones({ ...who, infra: {} }));
  await asEach(old.all, () => `cd ~/code; git remote set-url forgejo ${REMOTE}/infra-push`);
  await host.put(repaired);
  await host.converge();
});

test("a private repository is cloned with the person's own token, which is in no other place", async () => {
  const who = await somebody({
    layout: "workspace",
    repos: [{ name: "tripit", url: "http://127.0.0.1:8080/private/tripit" }],
  });
  const without = await host.apply(clones(who));
  expect(without.err.join("\n")).toContain("~/code/tripit could not be cloned");
  await as(who, `umask 000; echo 'http://${who.osUser}:token-of-${who.osUser}@127.0.0.1:8080' > ~/.git-credentials`);
  await host.sh(
    `systemd-run --quiet --unit=sampler sh -c 'while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " "; done | grep -o "token-of-${who.osUser}" > /run/seen'`,
  );
  const said = await host.apply(clones(who));
  await host.sh("systemctl stop sampler");
  expect(said.out).toContain(`${who.osUser}: cloned ~/code/tripit`);
  expect(said.out).toContain(`${who.osUser}: set ~/.git-credentials to mode 0600`);
  expect([...said.out, ...said.err].join("\n")).not.toContain("token-of");
  // The sampler's own command line is the one place where it may stand.
  expect(
    await host.sh(
      `grep -rl token-of ${who.home} /var/lib/workstation /var/log 2>/dev/null | grep -v -e journal -e git-credentials; stat -c %a ${who.home}/.git-credentials`,
    ),
  ).toBe("600");
});

test("what is secret stays so under the rights that a person gave to all that is new in their home", async () => {
  const [who, other] = [await somebody(), await somebody()];
  await as(who, `setfacl -d -m u:${other.osUser}:rwx .; chmod 711 .; umask 077; echo naive > naive`);
  const seenByOther = async (...names: readonly string[]) =>
    (await host.vm.ssh(`cd ${who.home}; cat ${names.join(" ")} 2>/dev/null`, { as: other.osUser, accept: [0, 1] }))
      .stdout;
  // Control: whoever goes by the umask alone writes what the other one reads.
  expect(await seenByOther("naive")).toBe("naive\n");
  const secrets = [".git-credentials", ".kube/config"];
  await host.apply(credentials(who));
  await host.apply(clones(who));
  expect(await host.sh(`cd ${who.home}; stat -c %a ${secrets.join(" ")}`)).toBe("600\n600");
  expect(await seenByOther(...secrets)).toBe("");
  await as(who, `setfacl -m u:${other.osUser}:r .git-credentials`);
  expect(await seenByOther(...secrets)).toContain("token-of-");
  await host.apply(clones(who));
  expect(await seenByOther(...secrets)).toBe("");
});
