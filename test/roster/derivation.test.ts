import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { EMPTY_LEDGER } from "../../roster/ledger.ts";
import type { OsUser } from "../../roster/model.ts";
import { derived, person, rosterOf, row, tried, user } from "./support.ts";

const sample = readFileSync(new URL("../../roster.yaml", import.meta.url), "utf8");
const HEADER = "# Generated from roster.yaml. Do not edit: the host's hourly run writes it again.";
const filesOf = (text: string, host = "devvm", hosts = [host]) => {
  const files = derived(text, { stack: { hosts: hosts as never } }).desired.hosts.get(host as never)?.files;
  return [...(files ?? new Map())];
};

describe("the sample roster", () => {
  test("becomes these exact files on its one host", () => {
    expect(filesOf(sample)).toEqual([
      [
        "/etc/t3-serve/dispatch.json",
        '{\n  "ancaelena98": {\n    "os_user": "ancamilea",\n    "port": 3773\n  },\n' +
          '  "emil.barzin": {\n    "os_user": "emo",\n    "port": 3774\n  },\n' +
          '  "vbarzin": {\n    "os_user": "wizard",\n    "port": 3775\n  }\n}\n',
      ],
      ["/etc/ttyd-admins", `${HEADER}\nwizard\n`],
      ["/etc/ttyd-user-map", `${HEADER}\nancaelena98=ancamilea\nemil.barzin=emo\nvbarzin=wizard\n`],
    ]);
  });

  test("gives groups to the admin alone, the shell to all, and numbers in the order of the names", () => {
    expect(
      [...derived(sample).desired.people.values()].map(({ osUser, groups, shell, uid, ports }) => [
        osUser,
        groups,
        shell,
        uid,
        ports,
      ]),
    ).toEqual([
      ["ancamilea", [], "/bin/zsh", 20_000, { t3: 3773, browser: 8931 }],
      ["emo", [], "/bin/zsh", 20_001, { t3: 3774, browser: 8932 }],
      ["wizard", ["code-shared", "docker", "sudo"], "/bin/zsh", 20_002, { t3: 3775, browser: 8933 }],
    ]);
  });

  test("changes nothing the second time", () => {
    const { ledger } = derived(sample).desired;
    const again = derived(sample, { ledger, today: "2027-03-01" });
    expect([again.plan, again.changes, again.desired.ledger]).toEqual([[], [], ledger]);
  });
});

test("an empty roster still writes every file, and nobody is an admin", () => {
  expect(filesOf("")).toEqual([
    ["/etc/t3-serve/dispatch.json", "{}\n"],
    ["/etc/ttyd-admins", `${HEADER}\n`],
    ["/etc/ttyd-user-map", `${HEADER}\n`],
  ]);
});

test("the dispatch table is sorted by code unit, figures too", () => {
  const rows = ["10", "9", "a", "B"].map((login, index) =>
    row(`p${index}`).replace(/authentik_user: .*/, `authentik_user: "${login}"`),
  );
  const [[, dispatch] = []] = filesOf(rosterOf(...rows));
  expect([...String(dispatch).matchAll(/^ {2}"(.*)": \{/gm)].map(([, key]) => key)).toEqual(["10", "9", "B", "a"]);
});

describe("parked", () => {
  const parked = derived(rosterOf(row("bob", "parked: true\nclaude_auth: true"), row("carol", "claude_auth: false")));

  test("takes the person from the terminal map and says so in the dispatch table", () => {
    expect([...(parked.desired.hosts.get("devvm" as never)?.files ?? [])].map(([, text]) => text)).toEqual([
      '{\n  "bob": {\n    "os_user": "bob",\n    "parked": true,\n    "port": 3773\n  },\n  "carol": {\n    "os_user": "carol",\n    "port": 3774\n  }\n}\n',
      `${HEADER}\n`,
      `${HEADER}\ncarol=carol\n`,
    ]);
  });

  test("implies that the credentials are not synced; going back restores it all", () => {
    const back = derived(rosterOf(row("bob"), row("carol")), { ledger: parked.desired.ledger });
    expect(
      [parked, back].map((result) => [person(result, "bob").claudeAuth, person(result, "carol").claudeAuth]),
    ).toEqual([
      [false, false],
      [true, true],
    ]);
    expect(back.plan).toEqual([
      "bob is no longer parked: everything of theirs runs again, saved sessions included.",
      "carol has the sync of the assistant's credentials switched on.",
    ]);
  });
});

describe("limits and quota", () => {
  test("come from the row, then the user map, then the tier or the stack", () => {
    const text = rosterOf(row("bob", "namespaces: [shop]\nlimits: {tasks: 999}\nquota: {pods: 5}", "namespace-owner"));
    const userMap = '{"bob": {"role": "namespace-owner", "email": "bob@x", "quota": {"pods": "7", "cpu_requests": 3}}}';
    const bob = person(derived(text, { userMap }), "bob");
    expect([bob.limits, bob.quota, bob.email]).toEqual([
      { memory: "8G", cpu: "400%", tasks: "999", pane_memory: "4G" },
      { cpu_requests: "3", memory_requests: "4Gi", memory_limits: "8Gi", pods: "5" },
      "bob@x",
    ]);
  });
});

describe("until", () => {
  const text = rosterOf(row("ada"), row("bob", "until: 2026-12-31"));
  const first = derived(text, { today: "2026-12-01" });

  test("gives notice before the last day, keeps the person through it, and takes them as left on the next", () => {
    const on = (today: string) => derived(text, { ledger: first.desired.ledger, today });
    expect(
      ["2026-12-16", "2026-12-17", "2026-12-31", "2027-01-01"].map((today) => [
        [...on(today).desired.left.keys()],
        on(today).plan.length,
      ]),
    ).toEqual([
      [[], 0],
      [[], 1],
      [[], 1],
      [["bob"], 1],
    ]);
    expect(on("2026-12-17").plan).toEqual([
      "bob's last day is 2026-12-31 (in 14 days); on the day after it all access is revoked.",
    ]);
    expect(on("2026-12-31").plan).toEqual([
      "bob's last day is 2026-12-31 (today); on the day after it all access is revoked.",
    ]);
  });

  test("somebody whose last day passed before they ever came gets nothing, and it is said", () => {
    const late = derived(text, { today: "2027-02-01" });
    expect([
      [...late.desired.people.keys()],
      [...late.desired.left.keys()],
      late.warnings.map(({ message }) => message),
    ]).toEqual([
      ["ada"],
      [],
      ["until: 2026-12-31 has passed and bob never had anything here, so nothing is made; remove the row"],
    ]);
  });
});

describe("leaving and coming back", () => {
  const both = rosterOf(
    row("ada", "", "admin"),
    row("bob", "namespaces: [shop]\nforgejo: {login: Bob, push: true}", "namespace-owner"),
  );
  const before = derived(both, { today: "2026-01-01" });
  const away = derived(rosterOf(row("ada", "", "admin")), { ledger: before.desired.ledger, today: "2026-02-01" });
  const back = derived(both, { ledger: away.desired.ledger, today: "2026-03-01" });

  test("is a state that remembers everything and leaves no trace in the maps", () => {
    expect(away.desired.left.get(user("bob"))).toEqual({
      osUser: "bob",
      uid: 20_001,
      ports: { t3: 3774, browser: 8932 },
      tier: "namespace-owner",
      authentikUser: "bob",
      k8sUser: "bob",
      namespaces: ["shop"],
      formerNamespaces: [],
      formerNames: [],
      formerK8sUsers: [],
      hosts: ["devvm"],
      forgejoLogin: "Bob",
      formerForgejoLogins: [],
      quota: { cpu_requests: "2", memory_requests: "4Gi", memory_limits: "8Gi", pods: "20" },
      limits: { memory: "8G", cpu: "400%", tasks: "4096", pane_memory: "4G" },
      repos: [],
      layout: "single",
      leftOn: "2026-02-01",
    });
    expect(
      [...(away.desired.hosts.get("devvm" as never)?.files.values() ?? [])].filter((text) => text.includes("bob")),
    ).toEqual([]);
  });

  test("the day of leaving is the day on which it was first seen", () => {
    const later = derived(rosterOf(row("ada", "", "admin")), { ledger: away.desired.ledger, today: "2026-02-09" });
    expect([later.desired.ledger, later.plan]).toEqual([away.desired.ledger, []]);
  });

  test("coming back restores the person to the letter", () => {
    expect([back.desired.people, back.desired.hosts, back.desired.ledger]).toEqual([
      before.desired.people,
      before.desired.hosts,
      before.desired.ledger,
    ]);
  });

  test("the plan says what is cut and what is kept, and that it is the same again", () => {
    expect([...away.plan, ...back.plan]).toEqual([
      "bob is offboarded. Revoked: units and login on devvm, the terminal and the code server of bob, the cluster rights of a namespace-owner, Bob's access and token in Forgejo and Vault policies and tokens. Kept: account, home and clones (uid 20001), groups that they got by hand, the secrets in Vault of bob, the forge account Bob with its own tokens, keys and repositories, the ports 3774 and 8932 and the namespace shop with everything in it.",
      "bob returns as namespace-owner on devvm, with the same uid 20001 and the ports 3774 and 8932; owns the namespace shop; keeps the clone of infra as it is; a missing one is cloned anew, locked; pushes to the protected branch as Bob; has account and home back as they are; gets new tokens: those of before stay revoked.",
    ]);
  });

  test("the plan names every tier with its article", () => {
    const admins = derived(rosterOf(row("ada", "", "admin"), row("eva", "", "admin"))).desired.ledger;
    const plan = derived(rosterOf(row("ada", "", "admin")), { ledger: admins }).plan.join();
    expect(plan).toContain("the cluster rights of an admin and");
    expect(away.plan.join()).toContain("the cluster rights of a namespace-owner,");
  });

  test("the plan keeps every forge account that was theirs, without one that somebody else has by then", () => {
    const bob = (login: string) => row("bob", `namespaces: [shop]${login}`, "namespace-owner");
    const none = derived(rosterOf(row("ada", "", "admin"), bob("")), { ledger: before.desired.ledger });
    const account = "the forge account Bob with its own tokens, keys and repositories";
    const gone = (ada: string) =>
      derived(rosterOf(row("ada", ada, "admin")), { ledger: none.desired.ledger }).plan.join();
    expect([gone("").includes(account), gone("forgejo: {login: bob}").includes(account)]).toEqual([true, false]);
  });

  test("after a destructive removal the ports are free for others and the uid is not", () => {
    const entry = away.desired.ledger.people.get(user("bob"));
    if (entry === undefined) throw new Error("bob is in the ledger");
    const removed = {
      version: 1 as const,
      people: new Map(away.desired.ledger.people).set(user("bob"), { ...entry, removedOn: "2026-02-10" as never }),
    };
    const next = derived(rosterOf(row("ada", "", "admin"), row("carol")), { ledger: removed });
    expect([[...next.desired.left.keys()], person(next, "carol").ports, person(next, "carol").uid]).toEqual([
      [],
      { t3: 3774, browser: 8932 },
      20_002,
    ]);
    const returned = derived(rosterOf(row("ada", "", "admin"), row("bob"), row("carol")), {
      ledger: next.desired.ledger,
    });
    expect([person(returned, "bob").ports, person(returned, "bob").uid]).toEqual([{ t3: 3775, browser: 8933 }, 20_001]);
  });
});

describe("renames", () => {
  const before = derived(rosterOf(row("ada", "", "admin"), row("alice", "namespaces: [shop]", "namespace-owner")));
  const alicia = row("alicia", "namespaces: [shop]", "namespace-owner")
    .replace("authentik_user: alicia", "authentik_user: alice")
    .replace("k8s_user: alicia", "k8s_user: alice");

  test("with previously keep uid, ports and namespaces, and are neither a leave nor a join", () => {
    const renamed = derived(rosterOf(row("ada", "", "admin"), `${alicia}    previously: {os_user: alice}\n`), {
      ledger: before.desired.ledger,
    });
    const was = person(before, "alice");
    const is = person(renamed, "alicia");
    expect([is.uid, is.ports, is.namespaces, is.formerNames, [...renamed.desired.left], renamed.brakes]).toEqual([
      was.uid,
      was.ports,
      ["shop"],
      ["alice"],
      [],
      [],
    ]);
    expect(renamed.plan).toEqual([
      "alicia is the new name of alice: the same account, uid 20001, ports and namespaces; /home/alice becomes /home/alicia, " +
        "with a link at the former path, and their services start anew; it waits while alice is at work there; keeps git's user.name as it is.",
    ]);
    const again = derived(rosterOf(row("ada", "", "admin"), `${alicia}    previously: {os_user: alice}\n`), {
      ledger: renamed.desired.ledger,
    });
    expect([again.plan, again.desired.ledger]).toEqual([[], renamed.desired.ledger]);
  });

  test("from a name that the ledger does not know are told, and are none once they are done", () => {
    const line = (former: string) =>
      rosterOf(row("ada", "", "admin"), `${alicia}    previously: {os_user: ${former}}\n`);
    const said = (former: string, ledger = before.desired.ledger) => {
      const result = tried(line(former), { ledger });
      return (result.ok ? result.warnings : result.problems)
        .filter(({ path }) => path === "users.alicia.previously.os_user")
        .map((problem) => [problem.severity, problem.line, problem.message]);
    };
    expect(said("alise")).toEqual([
      [
        "warning",
        11,
        'previously.os_user: nobody of that name is in the ledger, so alicia gets a new account and nobody is renamed; correct "alise" or remove this line; did you mean "alice"?',
      ],
    ]);
    const renamed = derived(line("alice"), { ledger: before.desired.ledger });
    expect([renamed.warnings, said("alice", renamed.desired.ledger), said("alice", EMPTY_LEDGER)]).toEqual([
      [],
      [],
      [],
    ]);
    expect(said("carol", renamed.desired.ledger)).toEqual([
      ["warning", 11, expect.stringContaining("so alicia keeps their account and nobody is renamed; correct")],
    ]);
  });

  test("without it they are a removal and an addition, and the message suggests the rename", () => {
    const other = alicia.replace("k8s_user: alice", "k8s_user: alicia");
    const swapped = derived(rosterOf(row("ada", "", "admin"), other), { ledger: before.desired.ledger });
    expect([
      [...swapped.desired.left.keys()],
      person(swapped, "alicia").ports.t3,
      swapped.changes.map(({ who, kind }) => [who, kind]),
    ]).toEqual([
      ["alice"],
      3775,
      [
        ["alice", "leaves"],
        ["alicia", "joins"],
      ],
    ]);
    expect(swapped.warnings.map(({ line, message }) => [line, message])).toEqual([
      [
        7,
        '"alice" was the login of alice, an offboarded user whose ports and account are kept for a return; if alicia is alice under a new name, write previously: {os_user: alice} and nothing is lost',
      ].map((part) => (typeof part === "string" ? `authentik_user: ${part}` : part)),
      [10, 'namespaces: "shop" belonged to alice, an offboarded user; alicia takes it over with everything in it'],
    ]);
  });

  test("of a login, with previously, are no loss; without it the former login loses the account", () => {
    const login = (more: string) =>
      derived(
        rosterOf(
          row("ada", "", "admin"),
          row("alice", `namespaces: [shop]\n${more}`, "namespace-owner").replace(
            "authentik_user: alice",
            "authentik_user: al",
          ),
        ),
        { ledger: before.desired.ledger },
      );
    expect(login("previously: {authentik_user: alice}").changes).toEqual([
      { who: "alice", kind: "changes", lost: [], gained: [], other: ["is renamed: login alice becomes al"] },
    ]);
    expect(login("parked: false").changes).toEqual([
      {
        who: "alice",
        kind: "changes",
        lost: ["what they had as login alice (now al; if that is a rename, say so in previously)"],
        gained: ["the login al"],
        other: [],
      },
    ]);
  });

  test("of somebody to a name that has an account already are refused", () => {
    const result = tried(rosterOf(row("ada", "previously: {os_user: alice}", "admin")), {
      ledger: before.desired.ledger,
    });
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      'previously.os_user: both "alice" and "ada" have an account already, so neither can become the other; remove this line',
    ]);
  });

  test("keep the former name from being given to somebody else", () => {
    const renamed = derived(rosterOf(row("ada", "", "admin"), `${alicia}    previously: {os_user: alice}\n`), {
      ledger: before.desired.ledger,
    });
    const other = row("alice")
      .replace("authentik_user: alice", "authentik_user: other")
      .replace("k8s_user: alice", "k8s_user: other");
    const result = tried(rosterOf(row("ada", "", "admin"), alicia, other), { ledger: renamed.desired.ledger });
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      `"alice" was alicia's name before a rename, and what it left on the host is theirs; choose another name`,
    ]);
    const undone = tried(rosterOf(row("ada", "", "admin"), row("alice")), { ledger: renamed.desired.ledger });
    expect(undone.ok ? "" : undone.problems[0]?.message).toBe(
      `"alice" was alicia's name before a rename, and what it left on the host is theirs; choose another name, or write previously: {os_user: alicia} if the two are one person`,
    );
    const again = derived(rosterOf(row("ada", "", "admin"), row("alice", "previously: {os_user: alicia}")), {
      ledger: renamed.desired.ledger,
    });
    expect(again.plan.join()).toContain("is the new name of alicia");
  });
});

describe("somebody else's past", () => {
  const ledger = derived(rosterOf(row("ada", "", "admin"), row("bob", "namespaces: [shop]", "namespace-owner"))).desired
    .ledger;
  const newcomer = (login: string, k8sUser: string) =>
    tried(
      rosterOf(
        row("ada", "", "admin"),
        row("carol")
          .replace("authentik_user: carol", `authentik_user: ${login}`)
          .replace("k8s_user: carol", `k8s_user: ${k8sUser}`),
      ),
      { ledger },
    );

  test("a leaver's login may be used again, with a warning, and the leaver keeps the ports", () => {
    const result = newcomer("BOB", "carol");
    expect(
      result.ok && [
        result.warnings.map(({ severity, user: who }) => [severity, who]),
        result.desired.people.get("carol" as OsUser)?.ports.t3,
      ],
    ).toEqual([[["warning", "carol"]], 3775]);
  });

  test("a leaver's k8s_user is refused to somebody else, because secrets are kept below it", () => {
    const result = newcomer("carol", "bob");
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      `k8s_user: "bob" was bob's, whose secrets in Vault are kept below that name; choose another, or write previously: {os_user: bob} if the two are one person`,
    ]);
  });

  test("a namespace that goes from one person to another has one keeper", () => {
    const taken = derived(rosterOf(row("ada", "", "admin"), row("carol", "namespaces: [shop]", "namespace-owner")), {
      ledger,
    });
    expect([
      person(taken, "carol").namespaces,
      taken.desired.left.get("bob" as OsUser)?.namespaces,
      taken.desired.ledger.people.get("bob" as OsUser)?.namespaces,
    ]).toEqual([["shop"], [], []]);
  });

  test("a namespace that is taken off a row stays with its person, without rights", () => {
    const less = derived(rosterOf(row("ada", "", "admin"), row("bob", "namespaces: [other]", "namespace-owner")), {
      ledger,
    });
    expect([person(less, "bob").namespaces, person(less, "bob").formerNamespaces]).toEqual([["other"], ["shop"]]);
    expect(less.plan).toEqual(["bob loses namespace shop (kept with everything in it); gets namespace other."]);
  });
});

test("a move to another host leaves the person, and only that, behind as left", () => {
  const hosts = ["devvm", "other"] as never;
  const before = derived(rosterOf(row("ada"), row("bob")), { stack: { hosts } });
  const moved = derived(rosterOf(row("ada"), row("bob", "host: other")), {
    stack: { hosts },
    ledger: before.desired.ledger,
  });
  const bob = person(moved, "bob");
  expect([bob.host, bob.formerHosts, bob.ports, bob.uid]).toEqual([
    "other",
    ["devvm"],
    person(before, "bob").ports,
    person(before, "bob").uid,
  ]);
  expect([...moved.desired.hosts].map(([host, { files }]) => [host, files.get("/etc/ttyd-user-map")])).toEqual([
    ["devvm", `${HEADER}\nada=ada\n`],
    ["other", `${HEADER}\nbob=bob\n`],
  ]);
  expect(moved.plan).toEqual([
    "bob loses their place on devvm (account and home stay there, locked); gets a place on other.",
  ]);
});
