/** The configuration of a stack: what is taken, and the words in which the rest is refused. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { Refusal } from "../../config/refusal.ts";
import { parseSettings } from "../../config/settings/parse.ts";
import { stackSettings } from "../../config/settings/stack-settings.ts";
import { LEAST, raw, rawOf, settings } from "./raw-config.ts";
import { DASHBOARD } from "./dashboard-settings.ts";

/** The sentences about these values, without the place that each begins with. */
function said(values: Readonly<Record<string, unknown>>, encrypted: readonly string[] = []): readonly string[] {
  try {
    parseSettings(raw(values), "Pulumi.test.yaml", encrypted);
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause;
    const lines = cause.message.split("\n");
    expect([lines[0], lines.at(-1)]).toEqual([
      "The configuration of this stack cannot be used; nothing was changed:",
      "Fix it in Pulumi.test.yaml or by `pulumi config set`. docs/configuration.md describes every setting and says where an example is.",
    ]);
    return lines.slice(1, -1).map((line) => line.replace(/^ {2}Pulumi\.test\.yaml: workstation:/, ""));
  }
  return [];
}

const host = LEAST.hosts[0];
const withHost = (change: Readonly<Record<string, unknown>>) => ({ ...LEAST, hosts: [{ ...host, ...change }] });

test("the least that a stack must say is enough, and everything else has its default", () => {
  expect(settings()).toMatchObject({
    roster: "roster.yaml",
    removalLimit: 1,
    minimumAdmins: 1,
    confirmLeave: [],
    addsOnly: false,
    limits: DEFAULT_POLICY.limits,
    quota: DEFAULT_POLICY.quota,
    ports: DEFAULT_POLICY.ports,
    uids: DEFAULT_POLICY.uids,
    hosts: [{ ...host, port: 22, user: "root" }],
    devvm: { packages: [], managedSettings: {}, proxyUsers: ["root"], reconcile: { removalLimit: 1 } },
  });
  expect(settings()).not.toHaveProperty("cluster");
});

test("a range that is widened names its new end alone, as the advice for a full one says", () => {
  const { ports, uids } = DEFAULT_POLICY;
  expect(settings({ ports: { t3: { last: 4000 } }, uids: { first: 30_000, last: 40_000 } })).toMatchObject({
    ports: { t3: { first: ports.t3.first, last: 4000 }, browser: ports.browser },
    uids: { first: 30_000, last: 40_000 },
  });
  expect(settings({ uids: { last: 25_000 } }).uids).toEqual({ first: uids.first, last: 25_000 });
});

test.each(["ports.t3", "ports.t3.last", "uids.last", "quota.pods"])(
  "%s as one key is told to be set by its path",
  (key) => {
    expect(said({ ...LEAST, [key]: 4000 })).toEqual([
      `${key}: is no setting of this program; remove it, and set the key within ${key.split(".")[0]} by \`pulumi config set --path '${key}' …\``,
    ]);
    const [section = ""] = key.split(".");
    expect(said({ ...LEAST, [`${section}.nothing`]: 1 })[0]).toContain(
      "is no setting of this program; remove it; it knows",
    );
  },
);

/** The example as the program takes it, with secrets in place of those that it cannot hold. */
function parseProd() {
  const secrets = raw({ sshPrivateKey: "-----BEGIN KEY-----", kubeconfig: "apiVersion: v1" });
  const example = rawOf("Pulumi.prod.yaml");
  const { ingressSecret, ...devvm } = JSON.parse(example["workstation:devvm"] ?? "{}") as { ingressSecret: object };
  const guarded = raw({
    devvm: { ...devvm, ingressSecret: { ...ingressSecret, value: "0123456789abcdef".repeat(4) } },
  });
  return parseSettings({ ...example, ...secrets, ...guarded }, "Pulumi.prod.yaml");
}

test("Pulumi.prod.yaml is an example: with its secrets it is taken as it stands", () => {
  const parsed = parseProd();
  expect([parsed.hosts.length, parsed.cluster?.name, parsed.limits.admin.tasks]).toEqual([1, "cluster", "4096"]);
});

test("Pulumi.prod.yaml has every setting, as a setting or as a comment, but for those that only some sites need", () => {
  const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const example = read("Pulumi.prod.yaml");
  const keys = [...read("docs/configuration.md").matchAll(/^\| `([^`]+)` \|/gm)].map(([, key = ""]) => key);
  const last = (key: string) => key.replaceAll("[]", "").split(".").at(-1) ?? key;
  expect(keys.length).toBeGreaterThan(150);
  expect(Object.keys(stackSettings.shape).filter((key) => !example.includes(`workstation:${key}:`))).toEqual([
    "userMapFile",
  ]);
  expect(keys.filter((key) => !new RegExp(`\\b${last(key)}\\b`).test(example))).toEqual([
    "userMapFile",
    "devvm.ingressSecret.previous",
    "cluster.dashboard.image",
    "cluster.dashboard.backend.caPem",
    "cluster.dashboard.sharedSecret.previous",
    "cluster.dashboard.ingress.tlsSecret",
    "cluster.apiServer.issuers[].caPem",
    "stem95su.storageClass",
    "stem95su.tlsSecret",
    "stem95su.confirmDeletions",
  ]);
});

test("Pulumi.prod.yaml names no file that the project does not have", () => {
  const { devvm, vault, forgejo, ...all } = parseProd();
  const named = [
    all.roster,
    all.userMapFile,
    all.ledgerSeed,
    all.adopt,
    devvm.guidanceFile,
    vault?.caCertFile,
    forgejo?.caCertFile,
  ];
  const absent = named.filter((file) => file !== undefined && !existsSync(new URL(`../../${file}`, import.meta.url)));
  expect(absent).toEqual([]);
});

test("what Pulumi.prod.yaml lacks is its secrets alone", () => {
  expect(() => parseSettings(rawOf("Pulumi.prod.yaml"), "Pulumi.prod.yaml")).toThrow(
    "Pulumi.prod.yaml: workstation:sshPrivateKey: is missing; it must be text (Secret: private key of the login on the " +
      "hosts.). Set it by `pulumi config set --secret --path 'sshPrivateKey'`",
  );
});

test("a text setting is text, whatever it looks like", () => {
  const kubeconfig = '{"apiVersion": "v1", "clusters": []}';
  expect(settings({ kubeconfig, sshPrivateKey: "12345", roster: "true" })).toMatchObject({
    kubeconfig,
    sshPrivateKey: "12345",
    roster: "true",
  });
});

test("settings of other programs are none of ours", () => {
  expect(() => parseSettings({ ...raw(LEAST), "aws:region": "x", workstation: "y" }, "f")).not.toThrow();
});

test("every problem is said at once, each at its place", () => {
  const wrong = { hosts: [{ name: "A", address: "", port: 0 }], removalLimits: 1, devvm: LEAST.devvm };
  expect(said(wrong).map((line) => line.split(":")[0])).toEqual([
    "removalLimits",
    "hosts[0].name (A)",
    "hosts[0].address (A)",
    "hosts[0].port (A)",
    "hosts[0].hostKey (A)",
    "sshPrivateKey",
  ]);
});

describe("a sentence says what was found, what would be right and the way out:", () => {
  const cluster = { server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test", clientId: "c" } };
  const { commands } = LEAST.devvm;
  test.each([
    [{ removalLimit: -1 }, "removalLimit: found the number -1; it must be at least 0"],
    [{ removalLimit: 1.5 }, 'removalLimit: found "1.5"; it must be a whole number'],
    [{ removalLimit: "many" }, 'removalLimit: found "many"; it must be a whole number'],
    [{ addsOnly: "yes" }, 'addsOnly: found "yes"; it must be true or false'],
    [{ confirmLeave: "bob" }, 'confirmLeave: found "bob"; it must be a list'],
    [{ confirmLeave: [7] }, 'confirmLeave[0]: found the number 7; it must be text; put it in quotes: "7"'],
    [{ devvm: [] }, "devvm: found an empty list; it must be a section with keys of its own"],
    [{ hosts: [] }, "hosts: found an empty list; it must have at least one item"],
    [{ hosts: {} }, "hosts: found a map; it must be a list"],
    [withHost({ port: "22" }), 'hosts[0].port (devvm): found "22"; it must be a whole number; take its quotes away'],
    [withHost({ port: 99_999 }), "hosts[0].port (devvm): found the number 99999; it must be at most 65535"],
    [
      withHost({ user: "ops" }),
      /^hosts\[0\]\.user \(devvm\): found "ops"; it must be root: .*; put the public key into \/root\/\.ssh\/authorized_keys/,
    ],
    [
      { devvm: { ...LEAST.devvm, packages: ["Git"] } },
      'devvm.packages[0]: found "Git"; it must be the name of a Debian package, such as git-crypt',
    ],
    [
      withHost({ name: "Dev VM" }),
      'hosts[0].name: found "Dev VM"; it must be a DNS label: a-z, 0-9 and -, at most 63 characters',
    ],
    [
      withHost({ adress: "10.0.0.6" }),
      "hosts[0].adress: is no setting of this program; remove it; hosts[0] knows address, hostKey, name, port and user",
    ],
    [
      { devvm: { ...LEAST.devvm, commands: { ...commands, t3: [] } } },
      "devvm.commands.t3: found an empty list; it must have at least one item",
    ],
    [
      { cluster: { ...cluster, server: "api.test" } },
      'cluster.server: found "api.test"; it must be an address such as https://host.example',
    ],
    [{ cluster: { ...cluster, caData: "*" } }, 'cluster.caData: found "*"; it must be base64 text'],
    [
      { vault: { address: "https://v.test", unreachable: "warn-in-previews" } },
      'vault.unreachable: found "warn-in-previews"; it must be one of error, warn-in-preview; did you mean "warn-in-preview"?',
    ],
    [
      { vault: { address: "https://v.test", userMap: { path: "workstation/claude-users/emo" } } },
      'vault.userMap.path: found "workstation/claude-users/emo"; it must be outside of workstation/claude-users, where people\'s credential syncs write',
    ],
    [
      { devvm: { ...LEAST.devvm, guidancefile: "x" } },
      'devvm.guidancefile: is no setting of this program; did you mean "guidanceFile"?',
    ],
    [{ "line\nbreak": 1 }, /^"line\\u\{a\}break": is no setting of this program; remove it; it knows addsOnly, /],
    [JSON.parse('{"__proto__": 1}') as object, /^__proto__: is no setting of this program; remove it/],
  ])("%j", (change, sentence) => {
    const lines = said({ ...LEAST, ...change });
    expect(lines).toEqual([typeof sentence === "string" ? sentence : expect.stringMatching(sentence)]);
  });
});

test.each(["", "/platform", "platform/", "a//b", "a/../platform", "./platform", "plat*", "a?b", "a%2fb", 'a"b'])(
  "the path of the user map %j is refused, because an address or a policy would take it for another",
  (path) => {
    expect(said({ ...LEAST, vault: { address: "https://v.test", userMap: { path } } })).toEqual([
      `vault.userMap.path: found ${JSON.stringify(path)}; it must be a path within the KV store: letters, digits, dots, dashes and underscores, segments separated by "/", as in "platform"`,
    ]);
  },
);

test("a misspelt required setting is one slip and one sentence", () => {
  const { sshPrivateKey, ...rest } = LEAST;
  expect(said({ ...rest, sshPrivatKey: sshPrivateKey })).toEqual([
    'sshPrivatKey: is no setting of this program; did you mean "sshPrivateKey"?',
  ]);
});

describe("what listens where other machines connect needs the secret of the ingress:", () => {
  const listens = (name: string, listen: object) => ({
    ...LEAST,
    devvm: { ...LEAST.devvm, [name]: { listen, ...(name === "lobby" ? { origin: "https://lobby.test" } : {}) } },
  });
  test.each(["gate", "lobby"])("%s", (name) => {
    expect(said(listens(name, { address: "10.0.0.5", port: 8900 }))).toEqual([
      `devvm.ingressSecret.value: is missing; it must be set, since ${name} listens on 10.0.0.5, where any machine could ` +
        "send the header of another user's sign-in; docs/portal.md says how to introduce it (Secret: what the ingress sends " +
        "in it, as `openssl rand -hex 32` makes one.). Set it by `pulumi config set --secret --path 'devvm.ingressSecret.value'`",
    ]);
    expect(said(listens(name, { address: "127.0.0.1", port: 8900 }))).toEqual([]);
    expect(said(listens(name, { socket: "/run/x/x.sock" }))).toEqual([]);
  });
});

describe("people's services are optional:", () => {
  const { commands, ...devvm } = LEAST.devvm;
  const { t3, ...others } = commands;
  const gate = { listen: { socket: "/run/x/x.sock" } };
  test("a site without any has people all the same", () => {
    expect(settings({ devvm }).devvm.commands).toEqual({});
    expect(settings({ devvm: { ...devvm, commands: others } }).devvm.commands).toEqual(others);
    expect(settings({ devvm: { ...devvm, commands: { t3 } } }).devvm.commands).toEqual({ t3 });
  });
  test("a code-server proxy without a code server is refused", () => {
    const sentence =
      "devvm.gate: found a map; it must have code servers to forward to: set devvm.commands.t3, or remove devvm.gate";
    expect(said({ ...LEAST, devvm: { ...devvm, gate } })).toEqual([sentence]);
    expect(said({ ...LEAST, devvm: { ...devvm, commands: others, gate } })).toEqual([sentence]);
    expect(said({ ...LEAST, devvm: { ...devvm, commands, gate } })).toEqual([]);
  });
});

describe("an origin that no browser sends is refused:", () => {
  const MUST = "must be an origin as browsers send it";
  const messages = (origin: string) => {
    const dashboard = { ...DASHBOARD, browserOrigin: origin };
    const devvm = { ...LEAST.devvm, gate: { listen: { socket: "/run/x/x.sock" }, origin } };
    return said({ ...LEAST, devvm, cluster: { dashboard } }).filter((line) => /origin: /i.test(line));
  };
  test.each(["https://code.example:443", "http://code.example:80", "https://[x", "https://Code.example", "file:///x"])(
    "%s",
    (origin) => {
      expect(messages(origin)).toEqual([
        expect.stringContaining(`gate.origin: found "${origin}"; it ${MUST}`),
        expect.stringContaining(`browserOrigin: found "${origin}"; it ${MUST}`),
      ]);
    },
  );
  test("and what one sends is taken", () => {
    for (const origin of ["https://code.example", "http://10.0.0.5:8900", "https://[::1]:8443"])
      expect(messages(origin)).toEqual([]);
  });
});

describe("no message repeats a secret:", () => {
  const CANARY = "canary-7";
  const dashboard = { ...DASHBOARD, sharedSecret: { value: CANARY } };
  test("one that the schema calls so", () => {
    const cluster = { server: "https://api.test", caData: "eA==", oidc: { issuer: "https://i.test", clientId: "c" } };
    expect(said({ ...LEAST, cluster: { ...cluster, dashboard } })).toEqual([
      "cluster.dashboard.sharedSecret.value: found a value that is secret and so not shown; it must have at least 16 characters",
    ]);
  });
  test("nor the ingress secret, whose being there is all that counts", () => {
    const gate = { listen: { address: "10.0.0.5", port: 8900 } };
    const devvm = {
      ...LEAST.devvm,
      gate,
      ingressSecret: { value: CANARY, previous: `${CANARY} with blanks at its end    ` },
    };
    expect(said({ ...LEAST, devvm })).toEqual([
      "devvm.ingressSecret.value: found a value that is secret and so not shown; it must have at least 32 characters",
      expect.stringMatching(
        /^devvm\.ingressSecret\.previous: found a value that is secret and so not shown; it must be /,
      ),
    ]);
  });
  test("and anything below a key that the operator has encrypted", () => {
    const wrong = { ...withHost({ name: CANARY.toUpperCase(), hostKey: CANARY }), removalLimit: CANARY };
    const lines = said(wrong, ["workstation:hosts", "workstation:removalLimit"]);
    expect(lines).toHaveLength(3);
    expect(lines.join("\n").toLowerCase()).not.toContain(CANARY);
  });
  test("an unknown key's value stands nowhere either", () => {
    expect(said({ ...LEAST, tokn: CANARY }).join("\n")).not.toContain(CANARY);
  });
});
