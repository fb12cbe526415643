import { describe, expect, test } from "vitest";
import { linesOf, policy, rosterOf, row } from "./support.ts";

/** The lines about one row whose fields are given, without file, place and name. */
const about = (fields: string, tier = "power-user"): readonly string[] =>
  linesOf(withFields(fields, tier)).map((line) => line.replace(/^roster\.yaml:\d+:\d+: bob: /, ""));

function withFields(fields: string, tier: string): string {
  const given = fields.split("\n").map((line) => line.split(":")[0] ?? "");
  const base = row("bob", "", tier)
    .split("\n")
    .filter((line) => !given.includes(line.trim().split(":")[0] ?? "") || line === "  bob:");
  return rosterOf(`${base.filter((line) => line !== "").join("\n")}\n${fields.replace(/^/gm, "    ")}\n`);
}

describe("words that nginx, YAML or a map would read as something else", () => {
  test.each(["default", "hostnames", "include", "volatile", "DEFAULT"])("the login %s is refused by name", (login) => {
    expect(about(`authentik_user: ${login}`)).toEqual([
      `authentik_user: "${login}" is a word of nginx's maps, where this login becomes a key; such a login cannot be used`,
    ]);
  });

  test.each([
    '"~.*"',
    '"*.x"',
    "'\\\\a'",
    '"$http_x"',
    "'\"'",
    '";"',
    '"{"',
    '"#bob"',
    '"=x"',
    '"a b"',
    '"a\\nb"',
    '""',
  ])("the login %s does not fit", (login) =>
    expect(about(`authentik_user: ${login}`)).toEqual([
      expect.stringMatching(/^authentik_user: ".*" does not fit; use the login/),
    ]),
  );

  test.each([
    ["a\u2028b", "U+2028 only looks like a space"],
    ["a\u00a0b", "U+00A0 (a no-break space) only looks like a space"],
    ["a\u200bb", "U+200B is invisible"],
    ["a\u202eb", "U+202E is invisible"],
    ["a\u0085b", "U+0085 is invisible"],
  ])("the invisible character in %j is named", (login, what) => {
    expect(about(`authentik_user: ${JSON.stringify(login)}`)).toEqual([
      `the character ${what}; delete it, or type a space in its place`,
    ]);
  });

  test.each(["é", "e\u0301", "аdmin", "ｂob"])("the look-alike login %j does not fit", (login) => {
    expect(about(`authentik_user: ${JSON.stringify(login)}`)).toEqual([
      expect.stringMatching(/no ASCII character|only looks like the Latin letter|is a full-width character/),
    ]);
  });

  test("a message shows no character that a terminal obeys or an eye misses", () => {
    expect(about('authentik_user: "a\\u202eb\\u200b\\e[1m"')).toEqual([
      expect.stringMatching(/^authentik_user: "a\\u\{202e\}b\\u\{200b\}\\u\{1b\}\[1m" does not fit/),
    ]);
  });

  test("a login of figures alone is told to be quoted, since YAML made a number of it", () => {
    expect(about("authentik_user: 12")).toEqual([
      'authentik_user: YAML reads the number 12 here; if that is the name, put it in quotes: "12"',
    ]);
  });
});

describe("one person, one name", () => {
  test("names that differ in case alone are the same, and the message says whose", () => {
    const two = rosterOf(
      row("ada", "email: A@X\nforgejo: {login: Ada}").replace("authentik_user: ada", "authentik_user: Alice"),
      row("bob", "email: a@x\nforgejo: {login: aDA}")
        .replace("authentik_user: bob", "authentik_user: alice")
        .replace("k8s_user: bob", "k8s_user: ada"),
    );
    expect(linesOf(two)).toEqual([
      `roster.yaml:9:21: bob: authentik_user: "alice" is already ada's (as "Alice"); one login is one person, upper and lower case alike, so give each their own`,
      `roster.yaml:10:15: bob: k8s_user: "ada" is already ada's; object names and Vault paths are built from it, so give each their own`,
      `roster.yaml:12:12: bob: email: "a@x" is already ada's (as "A@X"); the cluster would take the two for one person, so give each their own`,
      `roster.yaml:13:22: bob: forgejo.login: "aDA" is already ada's (as "Ada"); Forgejo takes upper and lower case for the same login, so give each their own`,
    ]);
  });

  test.each(["system:anonymous", "system:serviceaccount:a:b", "SYSTEM:masters"])(
    "the e-mail %s is the cluster's own",
    (email) => {
      expect(about(`email: "${email}"`)).toEqual([
        expect.stringContaining('begins with "system:", which Kubernetes keeps for itself'),
      ]);
    },
  );

  test.each(['"a@b,c@d"', '"a b@c"', '"a@b\\n"', '"a@"', '"@b"', "ab", '"a@b@c"', '"a@-b"', '"a@b..c"', '".a@b"'])(
    "the e-mail %s is no plain address",
    (email) => expect(about(`email: ${email}`)).toEqual([expect.stringMatching(/^email: .* does not fit[;,]/)]),
  );

  test.each(["../../admin", "a/b", "?x", "a--b", "-a", "a.", ""])("the Forgejo login %j does not fit", (login) => {
    expect(about(`forgejo: {login: "${login}"}`)).toEqual([expect.stringMatching(/^forgejo\.login: .* does not fit/)]);
  });
});

describe("names that belong to somebody else", () => {
  test.each(["platform", "workstation", "stem95su", "vault", "kube-system", "ours"])(
    "the k8s_user %s is reserved",
    (name) => {
      expect(
        linesOf(
          rosterOf(row("bob").replace("k8s_user: bob", `k8s_user: ${name}`)),
          policy({ reservedK8sUsers: ["ours"] }),
        ),
      ).toEqual([expect.stringContaining(`k8s_user: "${name}" is reserved`)]);
    },
  );

  test.each(["infra", "infra/people", "infra/people/map"])(
    "no k8s_user is the first segment of the user map's path %s, because its holder could rewrite the map",
    (userMapPath) => {
      const named = (name: string) => rosterOf(row("bob").replace("k8s_user: bob", `k8s_user: ${name}`));
      const stack = policy({ userMapPath });
      expect(linesOf(named("infra"), stack)).toEqual([
        `roster.yaml:4:15: bob: k8s_user: "infra" is reserved, because the setting vault.userMap.path (${userMapPath}) puts the user map there; choose another`,
      ]);
      for (const name of ["people", "map", "infra2"]) expect(linesOf(named(name), stack)).toEqual([]);
    },
  );

  test("a k8s_user may be so long that dashboard- and it are a label, and no longer", () => {
    expect(about(`k8s_user: ${"a".repeat(53)}`)).toEqual([]);
    expect(about(`k8s_user: ${"a".repeat(54)}`)).toEqual([expect.stringContaining("use up to 53 lower-case letters")]);
  });

  test.each([
    "root",
    "daemon",
    "sudo",
    "docker",
    "nobody",
    "adm",
    "code-shared",
    "systemd-network",
    "ssh",
    "workstation",
    "tmux-persist",
  ])("the OS user %s is the system's", (name) =>
    expect(linesOf(rosterOf(row(name).replace(`k8s_user: ${name}`, "k8s_user: someone")))).toEqual([
      expect.stringContaining(`"${name}" is an account or a group of the system`),
    ]),
  );

  test.each(["Bob", "1bob", "bob.x", "-bob", "b".repeat(33), "bób", "bob bob"])(
    "the OS user %s is no name of an account",
    (name) => {
      expect(linesOf(`users:\n  ? "${name}"\n  : {authentik_user: a, k8s_user: a, tier: admin}\n`)).toEqual([
        expect.stringMatching(/is not an OS user(?:, because it .*)?; (?:an OS user is 1 to 32|write bob$)/),
      ]);
    },
  );

  test.each(["_", "__proto__", "constructor", "b-", "b_", "b".repeat(32)])(
    "the OS user %s is a name like any other",
    (name) => {
      expect(linesOf(`users:\n  ${name}: {authentik_user: a, k8s_user: a, tier: admin}\n`)).toEqual([]);
    },
  );

  test.each(["kube-foo", "default", "kube-system", "stem95su", "ours"])(
    "the namespace %s is a system namespace",
    (name) => {
      expect(
        linesOf(
          rosterOf(row("bob", `namespaces: [${name}]`, "namespace-owner")),
          policy({ systemNamespaces: ["ours"] }),
        ),
      ).toEqual([expect.stringContaining(`namespaces: "${name}" is a system namespace`)]);
    },
  );

  test("a namespace has one owner, and is nobody else's k8s_user", () => {
    expect(
      linesOf(
        rosterOf(
          row("ada", "namespaces: [shop]", "namespace-owner"),
          row("bob", "namespaces: [shop, ada, dashboard-ada, bob]", "namespace-owner"),
        ),
      ).map((line) => line.replace(/;.*/, "")),
    ).toEqual([
      `roster.yaml:11:18: bob: namespaces: "shop" is already ada's`,
      `roster.yaml:11:24: bob: namespaces: "ada" is a name that ada's k8s_user claims`,
      `roster.yaml:11:29: bob: namespaces: "dashboard-ada" is a name that ada's k8s_user claims`,
    ]);
  });
});

describe("namespaces and repositories follow tier and layout", () => {
  test("a namespace-owner owns at least one; absent and empty are both wrong, and told apart", () => {
    expect([about("", "namespace-owner"), about("namespaces: []", "namespace-owner")]).toEqual([
      ["namespaces is missing; a namespace-owner owns at least one, such as namespaces: [my-project]"],
      ["namespaces: the list is empty; a namespace-owner owns at least one, such as namespaces: [my-project]"],
    ]);
  });

  test("the other tiers own none; an empty list says just that", () => {
    expect([about("namespaces: [shop]", "admin"), about("namespaces: []", "admin")]).toEqual([
      ["namespaces: an admin owns none, and 1 is listed; remove the list, or make the tier namespace-owner"],
      [],
    ]);
  });

  test("repositories are plain names, once each, beside infra, in a workspace", () => {
    expect(
      about('code_layout: workspace\nrepos: [.git, .., -x, infra, Infra, "con", site, SITE, a/b]').map((line) =>
        line.replace(/;.*/, ""),
      ),
    ).toEqual([
      'repos: ".git" does not fit',
      'repos: ".." does not fit',
      'repos: "-x" does not fit',
      'repos: "infra" is always there',
      'repos: "Infra" is always there',
      'repos: "SITE" differs from "site" in case alone',
      'repos: "a/b" does not fit',
    ]);
    expect([about("repos: [site]"), about("repos: []"), about("code_layout: single\nrepos: [site]").length]).toEqual([
      ["repos: repositories are cloned only in a workspace; add code_layout: workspace, or remove the list"],
      [],
      1,
    ]);
  });

  test("a name that would be refused as soon as it is corrected is not advised", () => {
    const stack = policy({ systemNamespaces: ["grafana"], reservedK8sUsers: ["ops"] });
    const said = (more: string, tier?: string, change = (text: string) => text) =>
      linesOf(change(rosterOf(row("bob", more, tier))), stack).map((line) => line.replace(/^.*?(?=")/, ""));
    const capitals = "does not fit, because it has capital letters, and";
    expect(said("namespaces: [Kube-X, Default, Grafana, shop, Shop]", "namespace-owner")).toEqual([
      `"Kube-X" ${capitals} "kube-x" is a system namespace; use a DNS label that does not start with "kube-"`,
      `"Default" ${capitals} "default" is a system namespace; use a namespace of the person's own`,
      `"Grafana" ${capitals} "grafana" is a system namespace; use a namespace of the person's own`,
      `"Shop" ${capitals} "shop" occurs in the list twice; remove one`,
    ]);
    for (const name of ["Vault", "Ops"]) {
      expect(said("", undefined, (text) => text.replace("k8s_user: bob", `k8s_user: ${name}`))).toEqual([
        `"${name}" ${capitals} "${name.toLowerCase()}" is reserved, because its paths in Vault belong to the platform; choose another`,
      ]);
    }
    expect(said("", undefined, (text) => text.replace("bob:", "Root:"))).toEqual([
      `"Root" is not an OS user, because it has capital letters, and "root" is an account or a group of the system; choose another name for the person`,
    ]);
    expect(said("host: vm9.")).toEqual([
      '"vm9." does not fit, because it ends with a punctuation mark, and this stack has no host "vm9"; its host is devvm',
    ]);
    expect(said("code_layout: workspace\nrepos: [infra.git, web, Web.git, art.git, art]")).toEqual([
      '"infra.git" is always there; remove it from the list',
      '"Web.git" is the same as "web"; remove one',
      '"art.git" ends like an address to clone from; write the name alone: "art"',
      '"art" is the same as "art.git"; remove one',
    ]);
    expect(said("", undefined, (text) => text.replace("authentik_user: bob", "authentik_user: '@include'"))).toEqual([
      `"@include" does not fit, because it begins with "@", and "include" is a word of nginx's maps, where this login becomes a key; such a login cannot be used`,
    ]);
  });

  test("a backslash is quoted as the file has it", () =>
    expect(linesOf(rosterOf(row("bob").replace("authentik_user: bob", "authentik_user: CORP\\bob")))).toEqual([
      expect.stringContaining('authentik_user: "CORP\\bob" does not fit; use the login'),
    ]));

  test("a thousand repositories are a long list and no problem", () => {
    expect(
      about(`code_layout: workspace\nrepos: [${Array.from({ length: 1000 }, (_, index) => `r${index}`).join(", ")}]`),
    ).toEqual([]);
  });
});

describe("the other fields", () => {
  test.each([
    ["parked: yes", 'parked: "yes" is not a switch; write true'],
    ["parked: no", 'parked: "no" is not a switch; write false'],
    ["claude_auth: 1", "claude_auth: the number 1 is not a switch; write true or false"],
    ['parked: "true"', 'parked: "true" in quotes is a text and no switch; remove the quotes'],
    ["claude_auth: 'False'", 'claude_auth: "False" in quotes is a text and no switch; remove the quotes'],
    ["parked:", "parked: nothing is given; write true or false"],
    ['repos: "[a, b]"', 'repos: expected a list but found "[a, b]"; remove the quotes'],
    ["limits: '{tasks: 512}'", 'limits: expected a map but found "{tasks: 512}"; remove the quotes'],
    ["until: 2026-02-30", 'until: "2026-02-30" is not in the calendar; use a day such as 2027-01-31'],
    ["until: tomorrow", 'until: "tomorrow" does not fit; use a day such as 2027-01-31'],
    ["until: 20261231", "until: the number 20261231 does not fit; use a day such as 2027-01-31"],
    ["host: devm", 'host: this stack has no host "devm"; did you mean "devvm"?'],
    ["host: mars", 'host: this stack has no host "mars"; its host is devvm'],
    ["forgejo: {push: true}", expect.stringMatching(/^forgejo\.login is missing; use a Forgejo login/)],
    ["forgejo: bob", 'forgejo: expected a map but found "bob"; write login: below it'],
    ["limits: {memory: 8GB}", 'limits.memory: "8GB" does not fit, because it is a size in another form; write 8G'],
    [
      "limits: {memory: 0}",
      'limits.memory: the number 0 does not fit, because it is nothing at all; use a size with its unit, such as "8G" or "2048M"',
    ],
    [
      "limits: {cpu: 2}",
      'limits.cpu: the number 2 does not fit, because it has no "%"; use a share of processors such as "200%", which is two of them',
    ],
    ["limits: {task: 5}", '"task" is not a field of limits; did you mean "tasks"?'],
    [
      "quota: {pods: 0}",
      "quota.pods: the number 0 does not fit, because it is nothing at all; use a whole number such as 20",
    ],
    [
      "quota: {cpu: 1}",
      '"cpu" is not a field of quota; quota knows cpu_requests, memory_requests, memory_limits and pods',
    ],
    ["namespaces: shop", 'namespaces: expected a list but found "shop"; write [my-project], one name an item'],
    ["repos:", "repos: expected a list but found nothing; write [my-repo], one name an item"],
    [
      "previously: {k8s_user: bob}",
      'previously.k8s_user: "bob" is what the row says today; previously holds the former value, so remove it',
    ],
    [
      "tier: Admin",
      'tier: "Admin" is not valid; it must be one of admin, power-user, namespace-owner; did you mean "admin"?',
    ],
    ["tier:", "tier: nothing is given; choose one of admin, power-user, namespace-owner"],
    [
      "__proto__: 1",
      expect.stringMatching(/^"__proto__" is not a field of a row; a row knows authentik_user, k8s_user/),
    ],
  ])("%s", (fields, expected) => expect(about(fields)).toEqual([expected]));

  test.each([
    "limits: {memory: 8G, cpu: 150%, tasks: 512, pane_memory: 2G}",
    "quota: {cpu_requests: 0.5, memory_requests: 4Gi, memory_limits: 8Gi, pods: 20}",
    "until: 2028-02-29",
    "host: devvm",
  ])("%s is right", (fields) => expect(about(fields).filter((line) => !line.includes(": warning: "))).toEqual([]));

  test.each([
    ["host: -x-", 'host: "-x-" does not fit'],
    ["host: 'dev vm'", 'host: "dev vm" does not fit'],
    ["k8s_user: kube-_", 'k8s_user: "kube-_" does not fit'],
    ["namespaces: [kube-]", 'namespaces: "kube-" does not fit'],
    ["namespaces: [shop, A_, A_]", 'namespaces: "A_" does not fit', 'namespaces: "A_" does not fit'],
    ["previously: {k8s_user: kube-_}\nk8s_user: kube-_", /k8s_user: "kube-_" does not fit/, /k8s_user: "kube-_" does/],
  ])("%j: what does not fit is judged by no further rule", (fields, ...expected) =>
    expect(about(fields, "namespace-owner").filter((line) => !line.includes("owns at least one"))).toEqual(
      expected.map((says) => expect.stringMatching(says)),
    ),
  );

  test("a login that nobody may have is not said to be another's as well", () => {
    const ada = row("ada").replace("authentik_user: ada", "authentik_user: default");
    expect(linesOf(rosterOf(ada, ada.replaceAll("ada", "eva")))).toEqual([
      expect.stringMatching(/:3:21: ada: authentik_user: "default" is a word of nginx's maps/),
      expect.stringMatching(/:7:21: eva: authentik_user: "default" is a word of nginx's maps/),
    ]);
  });

  test("a misspelt field is one slip and one error, at the key", () => {
    expect(linesOf(rosterOf(row("bob").replace("k8s_user", "k8suser")))).toEqual([
      'roster.yaml:4:5: bob: "k8suser" is not a field of a row; did you mean "k8s_user"?',
    ]);
  });

  test("a row that is no row, a person who stands twice", () => {
    expect(linesOf("users:\n  ada:\n  bob: admin\n  bob: {}\n")).toEqual([
      "roster.yaml:2:3: ada: the row is empty; write authentik_user:, k8s_user: and tier: below the name",
      'roster.yaml:3:3: bob: expected the row\'s fields but found "admin"; write authentik_user:, k8s_user: and tier: below the name',
      'roster.yaml:4:3: bob: the key "bob" stands here a second time; keep one of the two',
    ]);
  });

  test("a former k8s_user is nobody else's on the roster, and one person's", () => {
    const said = (...rows: readonly string[]) => linesOf(rosterOf(row("ada"), ...rows));
    expect(said(row("eva", "previously: {k8s_user: ADA}"))).toEqual([expect.stringContaining("does not fit")]);
    expect(said(row("eva", "previously: {k8s_user: ada}"))).toEqual([
      "roster.yaml:10:28: eva: previously.k8s_user: \"ada\" is ada's k8s_user, and one identity in Vault cannot be both people's; correct this line, or give ada another k8s_user",
    ]);
    expect(said(row("eva", "previously: {k8s_user: ev}"), row("ida", "previously: {k8s_user: ev}"))).toEqual([
      expect.stringContaining(`15:28: ida: previously.k8s_user: "ev" is already eva's`),
    ]);
  });

  test("somebody who was renamed has one row", () => {
    expect(
      linesOf(
        rosterOf(row("ada"), row("eva", "previously: {os_user: ada}"), row("ida", "previously: {os_user: ada}")),
      ).map((line) => line.replace(/;.*/, "")),
    ).toEqual([
      'roster.yaml:10:27: eva: previously.os_user: "ada" is still on the roster',
      `roster.yaml:15:27: ida: previously.os_user: "ada" is already eva's`,
      'roster.yaml:15:27: ida: previously.os_user: "ada" is still on the roster',
    ]);
  });
});
