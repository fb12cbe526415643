/** What docs/getting-started.md writes is taken by the program, and each of its blocks is run by a test or says why not. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Document, parse } from "yaml";
import { loadRoster } from "../../roster/load.ts";
import { DEFAULT_POLICY } from "../../roster/policy-defaults.ts";
import { loadUserMap } from "../../roster/user-map.ts";
import { parseSettings } from "../../config/settings/parse.ts";
import { blocksOf } from "../e2e/fixtures/runbook.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const blocks = blocksOf(read("docs/getting-started.md"));

/** The text that a block writes into a file, or appends to it. */
function written(file: string): string {
  const pattern = new RegExp(`>>? ?${file.replace(/[.~]/g, "\\$&")} <<'?END'?\\n([\\s\\S]*?)\\nEND(\\n|$)`);
  const text = blocks.flatMap(({ script }) => pattern.exec(script)?.[1] ?? [])[0];
  if (text === undefined) throw new Error(`the page writes no ${file}`);
  return `${text}\n`;
}

const stackFile = () => {
  const { config } = parse(written("Pulumi.prod.yaml")) as { readonly config: Readonly<Record<string, unknown>> };
  return config;
};
const asText = (config: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );

/** What `pulumi config set` of the page's blocks sets, by its path. A value that comes from a file or a command has a form of its own. */
const settingsSet = () =>
  blocks.flatMap(({ script }) =>
    [...script.matchAll(/pulumi config set (--secret )?(--path )?'?([\w.[\]]+)'?(?: ([^<\n]+))?/g)].map(
      ([, secret, , path = "", value = ""]) => {
        const plain = value.startsWith('"$(cut') ? "ssh-ed25519 AAAA" : value.trim();
        return [path, secret === undefined ? plain : "s".repeat(64)] as const;
      },
    ),
  );

/** As the engine does it: numbers are numbers, and a path makes what is not there. */
function withSettings(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const document = new Document(config);
  for (const [path, value] of settingsSet()) {
    const [key = "", ...rest] = path.split(/[.[\]]+/).filter((part) => part !== "");
    const keys = [`workstation:${key}`, ...rest.map((part) => (/^\d+$/.test(part) ? Number(part) : part))];
    keys.forEach((_, at) => {
      const folder = keys.slice(0, at);
      if (!document.hasIn(folder)) document.setIn(folder, document.createNode(typeof keys[at] === "number" ? [] : {}));
    });
    document.setIn(keys, /^\d+$/.test(value) ? Number(value) : value);
  }
  return document.toJS() as Record<string, unknown>;
}

test("with every setting of every block the program takes them: sign-in, portal, terminals and one repository", () => {
  const { "workstation:devvm": devvm, ...others } = withSettings(stackFile());
  // Whoever runs the block of the code servers has named theirs.
  const t3 = { t3: ["/usr/local/bin/t3"] };
  const { commands, ...rest } = devvm as { readonly commands: object };
  const raw = asText({ ...others, "workstation:devvm": { ...rest, commands: { ...commands, ...t3 } } });
  const settings = parseSettings(raw, "Pulumi.prod.yaml");
  const { lobby, gate, ingressSecret, repositories } = settings.devvm;
  expect([lobby?.listen, gate?.listen]).toEqual([
    { address: "10.0.0.5", port: 8901 },
    { address: "10.0.0.5", port: 8900 },
  ]);
  expect([lobby?.codeServer, ingressSecret?.header]).toEqual([`${gate?.origin}/`, "X-Ingress-Secret"]);
  const { oidc, apiServer } = settings.cluster ?? {};
  expect(apiServer?.issuers).toEqual([{ url: oidc?.issuer, audiences: [oidc?.clientId] }]);
  expect(apiServer?.controlPlanes).toMatchObject([{ name: "cp1", user: "root", hostKey: "ssh-ed25519 AAAA" }]);
  expect(settings.forgejoPassword).toBeDefined();
  const remote = /git remote add origin (\S+)/.exec(blocks.map(({ script }) => script).join("\n"))?.[1];
  expect(remote).toBe(`${repositories.forgejo}/${repositories.owner}/${repositories.infra}.git`);
});

test("the addresses and ports of the portal and the code servers are those of the routes that the page names", () => {
  const routes = read("docs/authentik.md");
  for (const [path, value] of settingsSet().filter(([path]) => /^devvm\.(lobby|gate)\.(listen|origin)/.test(path))) {
    const host = value.replace("https://", "");
    expect([path, routes.includes(path.endsWith(".origin") ? `Host(\`${host}\`)` : host)]).toEqual([path, true]);
  }
});

test("the settings lack their secrets alone, and the first of them is what the page says is missing", () => {
  const raw = asText(stackFile());
  expect(() => parseSettings(raw, "Pulumi.prod.yaml")).toThrow(
    /^The configuration of this stack cannot be used; nothing was changed:\n {2}Pulumi\.prod\.yaml: workstation:sshPrivateKey: is missing[^\n]*\nFix it/,
  );
  const settings = parseSettings({ ...raw, "workstation:sshPrivateKey": "key" }, "Pulumi.prod.yaml");
  expect(settings.vault?.workstationTokens?.role).toBe("workstation-claude");
  expect(settings.cluster?.oidc.grant).toBe("device-code");
});

test("the user map and the roster agree, before and after somebody joins", () => {
  const map = loadUserMap(written("~/k8s-users.json"), "the user map");
  const [, line = "", text = ""] =
    blocks
      .flatMap(({ script }) => [/^sed -i '\/(.*)\/a\\(.*)' roster\.yaml$/m.exec(script) ?? []])
      .find(([whole]) => whole) ?? [];
  const ours = read("roster.yaml").replace(new RegExp(line, "m"), `$&\n${text}`);
  for (const [text, people] of [
    [ours, 3],
    [`${ours}${written("roster.yaml")}`, 4],
  ] as const) {
    const roster = loadRoster(text, "roster.yaml", DEFAULT_POLICY);
    if (!roster.ok || !map.ok) throw new Error(JSON.stringify([roster, map]));
    expect(roster.roster.rows.size).toBe(people);
    // Without a login nobody could push once the branch is protected.
    const admins = [...roster.roster.rows.values()].filter(({ tier }) => tier === "admin");
    expect(admins).toMatchObject([{ forgejo: { login: "wizard" } }]);
    for (const { k8sUser, tier } of roster.roster.rows.values())
      if (k8sUser !== "practice") expect(map.userMap.entries.get(k8sUser)?.role).toBe(tier);
  }
});

test("a block that no test runs says why, and says nothing that would have to be compared", () => {
  const notRun = blocks.filter(({ notRun: why }) => why !== undefined);
  expect(blocks.length - notRun.length).toBeGreaterThan(20);
  expect(notRun.map(({ script, says }) => [script.split("\n")[0], says.length])).toEqual([
    [expect.stringMatching(/^ssh-keyscan -t ed25519 cp1\./), 0],
    [expect.stringMatching(/^pulumi config set --path 'cluster\.apiServer\./), 0],
    ["vault secrets enable -path=secret -version=2 kv", 0],
    [expect.stringMatching(/^vault kv put -cas=0 /), 0],
    [expect.stringMatching(/^forgejo admin user create /), 0],
    ["pulumi config set --path devvm.gate.listen.address 10.0.0.5", 0],
    [expect.stringMatching(/kubectl auth whoami/), 0],
    [expect.stringMatching(/^install --directory .* \/var\/lib\/workstation-deploy$/), 0],
    ["chown --recursive workstation-deploy: /var/lib/workstation-deploy", 0],
  ]);
});
