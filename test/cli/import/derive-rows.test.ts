/**
 * Tests the rows that an import makes of what it read: every guess is marked, unmanaged accounts are left alone, and
 * nothing is guessed between two possibilities.
 */

import { expect, test } from "vitest";
import { parseHome, parseHost, type HostState } from "../../../cli/import/read-host.ts";
import type { Gathered } from "../../../cli/import/read-surfaces.ts";
import { guessPeople, heldBy, managedBefore, unplaced } from "../../../cli/import/derive-rows.ts";
import type { Observed } from "../../../cli/import/observed-people.ts";
import { findingsOf, type ReportInput } from "../../../cli/import/report.ts";
import { rosterText } from "../../../cli/import/roster-text.ts";
import { loadRoster } from "../../../roster/load.ts";
import { DEFAULT_POLICY } from "../../../roster/policy-defaults.ts";
import { derived } from "../../roster/support.ts";

const b64 = (text: string) => Buffer.from(text).toString("base64");
const user = (name: string, uid: number, home = `/home/${name}`, shell = "/bin/bash") =>
  `${name}:x:${uid}:${uid}::${home}:${shell}\n`;

/** A host's answer with these accounts, and these lines of the terminal map. */
function host(accounts: string, map: string, more: readonly string[] = []): HostState {
  const names = [...accounts.matchAll(/^([^:]+):x:(\d+)/gm)];
  const homes = names.map(([, name, uid]) => `said home:${name} ${b64(`${uid} 755 directory`)}`);
  const groups = names.map(([, name, uid]) => `${name}:x:${uid}:\n`).join("");
  const lines = [
    `file /etc/passwd ${b64(`root:x:0:0::/root:/bin/sh\n${accounts}`)}`,
    `file /etc/group ${b64(`${groups}sudo:x:27:boss\n`)}`,
    `file /etc/ttyd-user-map ${b64(`# made by hand\n${map}`)}`,
    ...["none /etc/t3-serve/dispatch.json", "none /etc/ttyd-admins"],
    ...homes,
    ...more,
  ];
  return parseHost("devvm", `${lines.join("\n")}\nend\n`);
}

const seen = (one: HostState, more: Partial<Observed> = {}): Observed => ({
  ...{ hosts: [one], homes: new Map(), userMap: new Map(), members: [], owner: "ops", infra: "infra" },
  ...more,
});
const mapOf = (entries: Record<string, { role: string; email?: string; namespaces?: string[] }>): Observed["userMap"] =>
  new Map(Object.entries(entries).map(([who, { role, email, namespaces = [] }]) => [who, { role, email, namespaces }]));

test("an account in no map is a stranger, and one that could be nobody's working place is for the operator to settle", () => {
  const accounts =
    user("ada", 1001) +
    user("zoe", 1002) +
    user("www", 1003, "/srv/www") +
    user("ghost", 1004, "/home/ghost", "/usr/sbin/nologin");
  const { rows, strangers, open } = guessPeople(seen(host(accounts, "ada.b=ada\nw=www\ng=ghost\nx=gone\n")));
  expect(rows.map(({ osUser }) => osUser)).toEqual(["ada"]);
  expect(strangers).toEqual([
    "devvm: the account zoe (uid 1002) is in no map, so nobody signs in as it",
    "devvm: the terminal map's line x=gone leads to no account; it will be gone",
  ]);
  expect(open).toEqual([
    "www: is in devvm's maps, but its home is /srv/www, and only /home/www is worked in",
    "ghost: is in devvm's maps, but its shell is /usr/sbin/nologin",
  ]);
});

test("a home that its group or others may enter is named among what stays, also where the account is in a row", () => {
  const one = host(user("ada", 1001) + user("bob", 1002), "a=ada\nb=bob\n", [
    `said home:bob ${b64("1002 700 directory")}`,
  ]);
  const people = guessPeople(seen(one));
  const nothing = { adopt: [], clashes: [], differences: [], keepers: [], held: [] };
  const gathered = { seen: seen(one), vault: { policies: [], entities: [] } } as unknown as Gathered;
  const { strangers } = findingsOf({
    people,
    existing: nothing,
    declared: [],
    gathered,
    news: [],
  } as unknown as ReportInput);
  expect(strangers).toEqual(["devvm: /home/ada is open to its group or to others; devvm.closeAdoptedHomes closes it"]);
});

test("what could be two things is asked and not guessed", () => {
  const accounts = user("ada", 1001) + user("bob", 1002) + user("cleo", 1003);
  const map = "ada.b=ada\nada.c=ada\nbob.x=bob\ncleo.x=cleo\n";
  const userMap = mapOf({ bob: { role: "power-user" }, robert: { role: "power-user", email: "bob.x@example.org" } });
  const members = ["cleo", "cleo.x"].map((login) => ({ login, pushes: false, collaborates: true, tokens: [] }));
  const { rows, open } = guessPeople(seen(host(accounts, map), { userMap, members }));
  expect(rows).toEqual([]);
  expect(open).toEqual([
    "ada: ada.b and ada.c sign in as them on devvm",
    "bob: their k8s_user could be bob (the user map has this name) or robert (the user map's e-mail there is bob.x@example.org)",
    "cleo: their login on the forge could be cleo or cleo.x",
  ]);
});

test("two people who seem to have the same number or name both wait", () => {
  const accounts = user("ada", 1001) + user("bob", 1002);
  const ports = ["ada", "bob"].map((who) => `said env:${who} ${b64("T3_PORT=3773")}`);
  const { rows, open } = guessPeople(seen(host(accounts, "a=ada\nb=bob\n", ports)));
  expect([rows, open]).toEqual([[], ["ada and bob: both seem to have port 3773"]]);
});

test("a host that this program knows is no host to import: who left there is not seen", () => {
  const one = host(user("ada", 1001), "a=ada\n", [`file /var/lib/workstation/ledger.json ${b64("{}")}`]);
  expect(managedBefore(seen(one))).toEqual([
    expect.stringMatching(/^devvm: this program has managed this host before.*: \.\/ws ledger rebuild$/),
  ]);
  expect(managedBefore(seen(host(user("ada", 1001), "a=ada\n")))).toEqual([]);
});

test("a dispatch table and an environment file that contradict each other are said", () => {
  const dispatch = `file /etc/t3-serve/dispatch.json ${b64('{"a":{"os_user":"ada","port":3780}}')}`;
  const one = host(user("ada", 1001), "a=ada\n", [dispatch, `said env:ada ${b64("T3_PORT=3773")}`]);
  expect(guessPeople(seen(one)).open).toEqual([
    "ada: the dispatch table sends them to port 3780, and their environment file says 3773",
  ]);
});

test("the rows stand in a roster that the roster's own rules accept, with a comment for each guess", () => {
  const accounts = user("boss", 1001) + user("ada", 1002) + user("no", 1003);
  const home = parseHome(
    "code folder\ninfra clone\nrepo infra\nremote infra http://f/ops/infra.git\nremote notes https://f/ops/notes.git\nrepo notes\nremote own https://g/me/own.git\nend\n",
  );
  const cluster = {
    namespaces: new Set(["books", "films"]),
    grants: ["books", "films"].map((namespace) => ({
      email: "ada@example.org",
      role: "admin",
      namespace,
      binding: `to-${namespace}`,
    })),
    ...{ quotas: [], dashboards: [] },
  };
  const members = [{ login: "adal", email: "Ada@example.org", pushes: true, collaborates: true, tokens: [] }];
  const running = `said units ${b64("t3-serve@boss.service loaded active running x\nt3-serve@ada.service loaded active running x")}`;
  const all = seen(host(accounts, "the-boss=boss\nada=ada\nno=no\n", [running]), {
    ...{ homes: new Map([["devvm/ada", home]]), cluster, members },
    userMap: mapOf({ ada: { role: "namespace-owner", email: "ada@example.org", namespaces: ["books"] } }),
  });
  const { rows, open } = guessPeople(all);
  const text = rosterText(rows);
  expect(open).toEqual([]);
  expect(text.split("\n").slice(2).join("\n")).toBe(
    `users:
  boss:
    authentik_user: the-boss
    k8s_user: boss # guess: no entry of the user map fits them, so their account's name
    tier: admin # guess: is in the group sudo
  ada:
    authentik_user: ada
    k8s_user: ada # guess: the user map has this name
    tier: namespace-owner
    namespaces: [books, films] # guess: the binding to-films makes them admin of films
    code_layout: workspace
    repos: [notes]
    forgejo: { login: adal, push: true }
  "no":
    authentik_user: "no"
    k8s_user: "no" # guess: no entry of the user map fits them, so their account's name
    tier: power-user # guess: nothing says more
    parked: true # guess: their code server neither runs nor is enabled, while others' are
`.replace("# guess: their code", "# their code"),
  );
  const loaded = loadRoster(text, "roster.yaml", DEFAULT_POLICY);
  expect(loaded.ok && [...loaded.roster.rows.keys()]).toEqual(["boss", "ada", "no"]);
});

test.each([
  ["a map that is a link", "odd /etc/ttyd-user-map\nend\n", "devvm: /etc/ttyd-user-map is no plain file"],
  ["no list of accounts", "none /etc/passwd\nend\n", "devvm: /etc/group is missing"],
  ["words of something else", "Welcome to this machine\nend\n", "devvm: answers in a form that is not known"],
])("%s is an error with the host's name and never an empty host", (_, answer, message) => {
  expect(() => parseHost("devvm", answer)).toThrow(message);
});

test("a home's answer is anybody's words: lines of another form say nothing", () => {
  const { code, clones } = parseHome(
    "code clone\ninfra $(id)\nrepo ../../etc\nremote x y z\nrepo good\n\u001b[31mend\n",
  );
  expect([code, [...clones.keys()]]).toEqual(["clone", ["good"]]);
});

test("a login that fits nobody by name stands as a comment in each row without one, and is told once a row has it", () => {
  const accounts = user("emo", 1001) + user("ada", 1002);
  const member = (login: string, pushes: boolean) => ({ login, pushes, collaborates: true, tokens: [] });
  const members = [member("ebarzin", true), member("0123", false), member("ADA", true)];
  const all = seen(host(accounts, "emil=emo\nada=ada\n"), { members });
  const text = rosterText(guessPeople(all).rows);
  expect(text.split("\n").filter((line) => line.includes("forgejo"))).toEqual([
    "    # forgejo: { login: ebarzin, push: true } # if this login is theirs: no row has it, and the first deployment takes the push right of such a login",
    '    # forgejo: { login: "0123" } # if this login is theirs: no row has it',
    "    forgejo: { login: ADA, push: true } # guess: the login has one of their names",
  ]);
  const strangersWith = (changed: string) =>
    unplaced(all, heldBy([...derived(changed).desired.people.values()], new Map()));
  expect(strangersWith(text)).toEqual([
    "the forge: ebarzin collaborates and may push to the protected branch, and has no row",
    "the forge: 0123 collaborates, and has no row",
  ]);
  expect(strangersWith(text.replace("# forgejo: { login: ebarzin", "forgejo: { login: eBarzin"))).toEqual([
    "the forge: 0123 collaborates, and has no row",
  ]);
});
