/** Removing for good, on a real host: what is archived comes back as it was, what is not is never deleted, whatever kills it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { REMOVAL_POINTS, REMOVAL_WORKER_POINTS } from "../../agent/lib/removal-failpoints.ts";
import { startTestHost, type TestHost } from "./host/host.ts";
import { account, base, type Somebody } from "./host/parts.ts";

const one: Somebody = { osUser: "one", uid: 7601 };
const two: Somebody = { osUser: "two", uid: 7602, layout: "untouched" };
const gone: Somebody = { ...one, state: "left" };

let host: TestHost;
/** The home as it was furnished. */
let whole: string;
/** The archive of somebody who came back under another uid, and how it is put back. */
let carried: string;
const RESTORE = "restore one --uid 7601";

interface Ran {
  readonly code: number;
  readonly said: string;
  readonly json: Record<string, unknown>;
}

const ANY = Array.from({ length: 256 }, (_, code) => code);

async function remover(args: string, failpoint = ""): Promise<Ran> {
  const env = failpoint === "" ? "" : `WORKSTATION_FAILPOINT=${failpoint} `;
  const ran = await host.vm.ssh(`${env}workstation-remove ${args}`, { accept: ANY, timeoutMs: 120_000 });
  const json = ran.stdout.trim().startsWith("{") ? (JSON.parse(ran.stdout) as Record<string, unknown>) : {};
  return { code: ran.code, said: ran.stderr, json };
}

const archive = (failpoint?: string) => remover("archive one --uid 7601", failpoint);
const remove = (name: unknown, failpoint?: string) =>
  remover(`remove one --uid 7601 --confirm one --archive ${String(name)}`, failpoint);

/** Every kind of thing that a home may hold. */
const FURNISH = `cd /home/one; umask 022
cat > /run/furnish.sh <<'END'
set -e; cd
mkdir -p deep/er "with space" go/pkg keep
printf 'line\\nbreak' > "$(printf 'odd\\nname-\\303\\244-\\377')"
echo words > deep/er/text; ln -f deep/er/text deep/second-name; ln -sfn /etc/passwd deep/to-passwd; ln -sfn nowhere dangling
truncate -s 50M sparse; printf end | dd of=sparse bs=1 seek=30000000 conv=notrunc status=none
setfattr -n user.note -v kept deep/er/text; setfacl -m u:nobody:r deep/er/text
mkfifo -m 640 pipe 2>/dev/null || true; head -c 300000 /dev/urandom > "with space/random"
echo ro > go/pkg/file; chmod 444 go/pkg/file; chmod 555 go/pkg
touch -d '2001-02-03 04:05:06.123456789' keep; touch -d '1969-12-31 23:00' keep/before-the-epoch 2>/dev/null || touch -d '1969-12-31 23:00' deep/before
python3 -c 1 2>/dev/null || true
git init -q work; cd work; git config user.email o@x; git config user.name o; echo a > a; git add a; git commit -qm a; echo b > b
END
chown one: /run/furnish.sh; setpriv --reuid=7601 --regid=7601 --clear-groups env HOME=/home/one sh /run/furnish.sh`;

/** Names, kinds, rights, owners, times and contents; of links where they point, of files with several names which they are. */
const printOf = (folder: string) =>
  `cd ${folder} && { find . -printf '%P %y %m %T@ %s %l\\n' | grep -v '^[^ ]* d [0-9]* [0-9.]* [0-9]* $' | LC_ALL=C sort; find . -type d -printf '%P %m\\n' | LC_ALL=C sort; find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; getfattr -d deep/er/text; getfacl --omit-header --numeric deep/er/text; stat -c %h deep/second-name; } 2>/dev/null | sha256sum`;

const fingerprint = (folder = "/home/one") => host.sh(printOf(folder));

/** The host as it is after one has left, with a home that holds something. */
const LEFT =
  "cp /srv/left/*.json /var/lib/workstation/parts/; cp /srv/ledger.json /var/lib/workstation/ledger.json; cp /srv/cut.json /var/lib/workstation/cuts/one.json";
const AGAIN = `systemctl stop still late 2>/dev/null; ${LEFT}; rm -rf /var/lib/workstation/removals /var/lib/workstation/archives/* /var/lib/workstation/archives/.one*; chattr -i -R /home/one 2>/dev/null
id one >/dev/null 2>&1 || { groupadd --gid 7601 one; useradd --uid 7601 --gid 7601 --no-create-home --home-dir /home/one --shell /bin/zsh one; }
usermod --lock --expiredate 1 one
chmod -R u+rwX /home/one 2>/dev/null; rm -rf /home/one; tar -xpf /srv/home.tar --xattrs --acls -C /home`;

beforeAll(async () => {
  host = await startTestHost("removal", 7);
  await host.deliver([one, two]);
  await host.sh(FURNISH);
  // Then the group is left for the program to remove, as after a kill inside of userdel.
  await host.sh("sed -i 's/^USERGROUPS_ENAB.*/USERGROUPS_ENAB no/' /etc/login.defs");
  await host.sh("systemctl stop t3-serve@one browser-serve@one; tar -cpSf /srv/home.tar --xattrs --acls -C /home one");
  expect((await host.deliver([gone, two])).code).toBe(0);
  await host.sh(
    "mkdir -p /srv/left; cp /var/lib/workstation/parts/*.json /srv/left/; cp /var/lib/workstation/ledger.json /srv/; cp /var/lib/workstation/cuts/one.json /srv/cut.json",
  );
});
afterAll(() => host.vm.stop());

/** With whatever was done to the home since its archive was made undone. */
const fresh = () => host.sh(AGAIN);

test("it shows what exactly would go, and changes nothing", async () => {
  await host.sh("cat > /srv/present.json", { input: JSON.stringify(account(one)) });
  await fresh();
  whole = await fingerprint();
  const { json, code, said } = await remover("show one --uid 7601");
  expect([code, said]).toEqual([0, ""]);
  expect(json).toMatchObject({ user: "one", refused: [], account: { uid: 7601, home: "/home/one", adopted: false } });
  expect(json.clones).toContainEqual({ clone: "~/work", uncommitted: 1, unpushed: 1, stashes: 0 });
  expect(json.files).toContain("/etc/t3-serve/one.env");
  expect(await fingerprint()).toBe(whole);
});

const HOLD_STILL = "systemctl stop still";
const LEFT_PART = "/srv/left/account.one.json";
const PART = "/var/lib/workstation/parts/account.one.json";

test.each([
  [
    "somebody who is served",
    `cp /srv/present.json ${PART}`,
    `cp ${LEFT_PART} ${PART}`,
    /expected account state `left`, but found `present`/,
  ],
  [
    "somebody with a process",
    "systemd-run --quiet --uid=7601 --unit=still sleep 300",
    HOLD_STILL,
    /processes of theirs are running/,
  ],
  [
    "a home with something mounted in it",
    "mkdir /home/one/mnt; mount -t tmpfs none /home/one/mnt",
    "umount /home/one/mnt; rmdir /home/one/mnt",
    /mounted in the home \(\/home\/one\/mnt\)/,
  ],
  ["a home that is a mount itself", "mount --bind /home/one /home/one", "umount /home/one", /mounted in the home/],
  [
    "a file that its owner cannot read",
    "install -m 0 -o one /dev/null /home/one/shut",
    "rm /home/one/shut",
    /cannot read these[^.]*~\/shut/,
  ],
  [
    "a folder of root's with something in it",
    "mkdir /home/one/roots; touch /home/one/roots/file",
    "rm -r /home/one/roots",
    /could not delete these[^.]*~\/roots\/file/,
  ],
  [
    "somebody whose login is open again",
    "usermod --expiredate '' one",
    "usermod --expiredate 1 one",
    /not offboarded on this host/,
  ],
  [
    "a home that is a link",
    "mv /home/one /srv/away; ln -s /srv/away /home/one",
    "rm /home/one; mv /srv/away /home/one",
    /symbolic link/,
  ],
] as const)("%s is refused before anything is archived or deleted", async (_what, prepare, undo, message) => {
  await host.sh(prepare);
  const ran = await archive();
  await host.sh(undo);
  expect(ran).toMatchObject({ code: 2, said: expect.stringMatching(message) });
  const { said } = ran;
  expect([
    said,
    await host.sh(`${printOf("/home/one")}; ls -A /var/lib/workstation/archives 2>/dev/null; id -u one`),
  ]).toEqual([said, `${whole}\n7601`]);
});

test("a wrong uid, a wrong confirmation and a foreign archive are refused", async () => {
  await fresh();
  expect(await remover("archive one --uid 7609")).toMatchObject({
    code: 2,
    said: expect.stringContaining("expected uid 7609, but found 7601 at the account"),
  });
  const { json } = await archive();
  expect(await remover(`remove one --uid 7601 --confirm two --archive ${String(json.archive)}`)).toMatchObject({
    code: 2,
  });
  expect((await remove("../etc")).code).toBe(2);
  expect((await remove("one-20010101T000000Z")).said).toContain("is no archive of this host");
  expect(await host.sh("id -u one; ls -A /home/one | wc -l | grep -qv '^0$' && echo there")).toBe("7601\nthere");
});

test("a disk that is full while archiving leaves the home whole and no half archive", async () => {
  await host.sh("mkdir -p /srv/small; mount -t tmpfs -o size=200k none /srv/small");
  await host.apply(base({ archives: "/srv/small/archives" }));
  const before = await fingerprint();
  const ran = await archive();
  expect(ran).toMatchObject({
    code: 2,
    said: expect.stringContaining("is full, so there is no archive and nothing was deleted"),
  });
  expect([await fingerprint(), await host.sh("ls -A /srv/small/archives")]).toEqual([before, ""]);
  await host.apply(base());
  await host.sh("umount /srv/small");
});

test("an archive that was damaged, or a home that changed after it, is not deleted by", async () => {
  await fresh();
  const { json } = await archive();
  const file = `/var/lib/workstation/archives/${String(json.archive)}/home.tar.gz`;
  await host.sh(`cp ${file} /srv/whole; printf x | dd of=${file} bs=1 seek=5000 conv=notrunc status=none`);
  expect((await remove(json.archive)).said).toContain("is damaged");
  await host.sh(`cp /srv/whole ${file}; echo later > /home/one/later; chown one: /home/one/later`);
  expect((await remove(json.archive)).said).toContain("~/later came in between");
  await host.sh("rm /home/one/later; printf changed > /home/one/deep/er/text");
  expect((await remove(json.archive)).said).toMatch(/~\/deep\/er\/text has \d+ bytes/);
  expect(await host.sh("test -e /home/one/sparse && id -u one")).toBe("7601");
});

test("what is swapped, added, started or made immutable after the deletion began is left and named; fixed, it finishes", async () => {
  await host.sh(
    `${AGAIN}; rm -rf /srv/precious; install -d -o one -g one /srv/precious/er; echo gold > /srv/precious/er/text; chown -R one: /srv/precious`,
  );
  await host.sh(
    "echo others > /srv/others; chown nobody: /srv/others; chmod 644 /srv/others; ln /srv/others /home/one/of-another 2>/dev/null || cp /srv/others /home/one/of-another",
  );
  const { json } = await archive();
  expect((await remove(json.archive, "removal-journal:after")).code).not.toBe(0);
  await host.sh("systemd-run --quiet --uid=7601 --unit=late sleep 300");
  expect((await remove(json.archive)).said).toContain("processes of one are running");
  await host.sh(
    "systemctl stop late; cd /home/one; mv deep /srv/deep; ln -s /srv/precious deep; echo new > keep/new; chown -h one: deep keep/new; chattr +i sparse",
  );
  const ran = await remove(json.archive);
  expect(ran.code).toBe(2);
  expect(ran.said).toContain("~/deep: it is something else than what was archived");
  expect(ran.said).toContain("~/keep/new: it is not in the archive");
  expect(ran.said).toContain("~/sparse: it cannot be deleted");
  expect(
    await host.sh(
      "cat /srv/precious/er/text /home/one/keep/new /srv/others; id -u one; ls -A /home/one | LC_ALL=C sort | tr '\\n' ' '",
    ),
  ).toBe("gold\nnew\nothers\n7601\ndeep keep sparse");
  await host.sh("cd /home/one; chattr -i sparse; rm -rf deep keep/new /srv/deep");
  expect(await remove(json.archive)).toMatchObject({ code: 0, json: { removed: "one" } });
  // What is theirs elsewhere stays, and is found as docs/removal.md says.
  expect(await host.sh("find / -xdev -uid 7601 2>/dev/null || true")).toContain("/srv/precious/er/text");
  expect(await host.sh("cat /srv/precious/er/text /srv/others; ls -d /home/one 2>&1; id one 2>&1; true")).toMatch(
    /gold\nothers\n.*No such file.*\n.*no such user/s,
  );
});

/** In the order in which a removal comes to them: each run dies at the next one and goes on from the last. */
const REMOVING = REMOVAL_POINTS.filter((point) => !point.startsWith("removal-archive")).flatMap((point) =>
  point === "removal-wipe"
    ? [
        `${point}:before`,
        ...REMOVAL_WORKER_POINTS.flatMap((one) => [`${one}:before`, `${one}:after`]),
        `${point}:after`,
      ]
    : [`${point}:before`, `${point}:after`],
);
const ARCHIVING = REMOVAL_POINTS.filter((point) => point.startsWith("removal-archive")).flatMap((point) => [
  `${point}:before`,
  `${point}:after`,
]);

test("killed before and after every step of archiving, it leaves the home whole, and the next run makes an archive", async () => {
  await fresh();
  await host.sh("cat > /srv/kill.sh", {
    input: `for point in ${ARCHIVING.join(" ")}; do
  WORKSTATION_FAILPOINT=$point workstation-remove archive one --uid 7601 >/dev/null 2>&1 && echo "$point did not die"
done; true`,
  });
  expect(await host.sh(`sh /srv/kill.sh; ${printOf("/home/one")}`)).toBe(whole);
  const { code, json } = await archive();
  expect([code, await host.sh("ls -A /var/lib/workstation/archives | grep -c unfinished; true")]).toEqual([0, "0"]);
  expect(await host.sh(backFrom(json.archive))).toBe(whole);
});

/** The archive, unpacked by hand, without anything of ours. */
const backFrom = (name: unknown) =>
  `chmod -R u+rwX /srv/back 2>/dev/null; rm -rf /srv/back; mkdir /srv/back; tar -xpzf /var/lib/workstation/archives/${String(name)}/home.tar.gz --xattrs --acls -C /srv/back; ${printOf("/srv/back")}`;

test("killed before and after every step of removing, it leaves the archive and a rest that the next run finishes", async () => {
  await fresh();
  const { json } = await archive();
  const name = String(json.archive);
  const command = `workstation-remove remove one --uid 7601 --confirm one --archive ${name}`;
  await host.sh("cat > /srv/kill.sh", {
    input: `for point in ${REMOVING.join(" ")}; do
  WORKSTATION_FAILPOINT=$point ${command} >/dev/null 2>&1 && echo "$point did not die"
  test $point = removal-journal:before && test "$(${printOf("/home/one")})" != "${whole}" && echo "$point changed the home"
  test $point = removal-done:after || test $point = removal-journal:before || test -f /var/lib/workstation/removals/one.json || echo "$point cannot go on"
done; true`,
  });
  expect(await host.sh("sh /srv/kill.sh")).toBe("");
  const rest =
    "/home/one /etc/t3-serve/one.env /var/lib/workstation/removals/one.json /var/lib/workstation/parts/account.one.json";
  expect(await host.sh(`id one 2>&1; getent group one; ls -d ${rest} 2>/dev/null; true`)).toMatch(
    /^id: .one.: no such user$/,
  );
  expect(await host.sh("cat /var/lib/workstation/ledger.json")).toMatch(
    /"one":\{"uid":7601,"adopted":false,"removedOn":"20/,
  );
  expect(await host.sh(backFrom(name))).toBe(whole);
  expect((await host.workstation("reconcile")).err.filter((line) => line.includes("one:"))).toEqual([]);
});

test("a home goes back to somebody who is here again under another uid: all of it, theirs, and over nothing", async () => {
  await fresh();
  await host.sh("chmod 4755 '/home/one/with space/random'");
  const before = await fingerprint();
  const { json } = await archive();
  carried = String(json.archive);
  expect((await remove(json.archive)).code).toBe(0);
  const refused = await host.apply(account({ ...one, uid: 7699 }));
  expect(refused.err.join()).toContain("assigns uid 7601 to one");
  await host.sh(`sed -i 's/"one":{[^}]*},//' /var/lib/workstation/ledger.json`);
  const back: Somebody = { ...one, uid: 7699 };
  expect(
    (await host.deliver([back, two], { removalLimit: 5 })).err.filter((line) => line.startsWith("failed")),
  ).toEqual([]);
  expect(await remover(`restore two --archive ${String(json.archive)}`)).toMatchObject({
    code: 2,
    said: expect.stringContaining("restored for nobody else"),
  });
  for (const point of ["restore-extract:before", "restore-extract:after", "restore-publish:before"])
    expect((await remover(`${RESTORE} --archive ${String(json.archive)}`, point)).code).not.toBe(0);
  expect(await remover(`restore one --archive ${String(json.archive)}`)).toMatchObject({
    code: 2,
    said: expect.stringMatching(/of one with uid 7601 .*but one has uid 7699 here.* pass --uid 7601/),
  });
  const { code, json: said } = await remover(`${RESTORE} --archive ${String(json.archive)}`);
  expect([code, said.folder, said.tamed]).toEqual([
    0,
    expect.stringMatching(/^\/home\/one\/restored-20\d\d-\d\d-\d\d$/),
    1,
  ]);
  const folder = String(said.folder);
  expect(await host.sh(`cd ${folder}; stat -c %a 'with space/random'; chmod 4755 'with space/random'`)).toBe("755");
  expect(await fingerprint(folder)).toBe(before);
  expect(
    await host.sh(
      `find ${folder} ! -uid 7699 | wc -l; ls -A /home/one | grep -c unfinished; test $(du -k ${folder}/sparse | cut -f1) -lt 1000 && echo sparse`,
    ),
  ).toBe("0\n0\nsparse");
  const again = await remover(`${RESTORE} --archive ${String(json.archive)}`);
  expect(again.json.folder).toBe(`${folder}-2`);
});

const ARCHIVES = "/var/lib/workstation/archives";
const COPY = `${ARCHIVES}/one-20200101T000000Z`;
/** Another home in the copy, with a record that fits it: as somebody would do who may write there. */
const REPACKED =
  'gzip -c /srv/bad.tar > home.tar.gz; sed -i "s/\\"sha256\\": \\"[0-9a-f]*/\\"sha256\\": \\"$(sha256sum home.tar.gz | cut -d \' \' -f 1)/" record.json';
const TAR = "tar --format=posix --no-recursion -cPf /srv/bad.tar -C /home/one .";

test.each([
  ["somebody else's by now", "chown -R two: .", /is writable by others than root.*chown -R root/],
  ["with another checksum", "printf x >> home.tar.gz", /is damaged/],
  ["without the list", "rm files.jsonl.gz", /files\.jsonl\.gz is missing/],
  ["with half a list", "truncate -s 100 files.jsonl.gz", /files\.jsonl\.gz is damaged/],
  [
    "with another home than the list says",
    `tar --format=posix -cf /srv/bad.tar -C /srv/precious .; ${REPACKED}`,
    /not what the list/,
  ],
  ["with an absolute path", `${TAR} /etc/hostname; ${REPACKED}`, /absolute path/],
  ["with a way up", `${TAR} --transform 's,^/etc,../two,' /etc/hostname; ${REPACKED}`, /leads out of the home/],
  [
    "with a link and a file behind it",
    `ln -sfn /home/two /srv/way; ${TAR} --transform 's,^/srv,.,;s,^/etc,./way,' /srv/way /etc/hostname; ${REPACKED}`,
    /~\/way\/hostname lies in something that is no folder/,
  ],
] as const)(
  "an archive that was carried here %s is refused before anything is unpacked",
  async (_what, change, said) => {
    const look = "ls -lAR --time-style=full-iso /home/two; ls -A /home/one; cat /etc/hostname";
    const before = await host.sh(look);
    await host.sh(`rm -rf ${COPY}; cp -a ${ARCHIVES}/${carried} ${COPY}; cd ${COPY}; ${change}`);
    expect(await remover(`${RESTORE} --archive one-20200101T000000Z`)).toMatchObject({
      code: 2,
      said: expect.stringMatching(said),
    });
    expect(await host.sh(look)).toBe(before);
  },
);

test("an archive that an admin copied back as it was is put back; one that is half there is named and hides no other", async () => {
  await host.sh(
    `rm -rf ${COPY}; cp -r ${ARCHIVES}/${carried} ${COPY}; rm -rf ${ARCHIVES}/${carried}; chown two: ${COPY}/*`,
  );
  expect((await remover(`${RESTORE} --archive one-20200101T000000Z`)).said).toContain(`chown -R root: ${COPY}`);
  await host.sh(`chown -R root: ${COPY} && chmod -R go= ${COPY}`);
  expect(await remover(`${RESTORE} --archive one-20200101T000000Z`)).toMatchObject({ code: 0, json: { tamed: 1 } });
  await host.sh(`mkdir ${ARCHIVES}/one-20210101T000000Z; echo '{' > ${ARCHIVES}/one-20210101T000000Z/record.json`);
  const listed = JSON.parse(await host.sh("workstation-remove archives")) as readonly object[];
  expect(listed).toMatchObject([
    { archive: "one-20200101T000000Z", user: "one", uid: 7601 },
    { archive: "one-20210101T000000Z", problem: expect.stringContaining("is not valid JSON") as string },
  ]);
});
