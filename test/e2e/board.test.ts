/** The board of a real stack: what the deployment made is converged; what a hand changed, what is decided and what cannot be asked is said exactly. */

import { execFileSync } from "node:child_process";
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { Board } from "../../cli/board/model.ts";
import { forgeFact } from "../../lab/forge/index.ts";
import { instanceName, openInstance } from "../../lab/instance.ts";
import { PROJECT } from "../../lab/pulumi/engine.ts";
import { type Ran, run } from "../../lab/run.ts";
import { vaultFact } from "../../lab/vault/vault.ts";
import { deploymentMessage } from "../../roster/deployment-message.ts";
import { everybody, withDora } from "./people/sample.ts";
import { freshStack, type PeopleStack } from "./people/stack.ts";

/** The engine records it as well, so no other one counts as the deployed commit. */
const COMMIT = execFileSync("git", ["rev-parse", "HEAD"], { cwd: PROJECT, encoding: "utf8" }).trim();
/** Everything that any rendering has said. */
const said: string[] = [];
let stack: PeopleStack;
let folder: string;

beforeAll(async () => {
  stack = await freshStack();
  folder = await mkdtemp(join(tmpdir(), "ws-board-"));
  await stack.prepare(everybody);
  const message = deploymentMessage({ commit: COMMIT, pusher: "vbarzin" });
  await stack.engine.pulumi(["up", "--yes", "--skip-preview", "--message", message, ...stack.target]);
});

const ws = (...args: readonly string[]): Promise<Ran> =>
  run([`${PROJECT}/ws`, ...args, ...stack.target], {
    env: stack.engine.env,
    accept: [0, 1],
    timeoutMs: 240_000,
  });

/** Takes the board once, in all its forms. @returns its exit code and, of each cell that is not converged, whose it is and what it says */
async function taken() {
  const files = [join(folder, "board.html"), join(folder, "board.prom")] as const;
  const ran = await ws("status", "--json", "--html", files[0], "--prometheus", files[1]);
  said.push(ran.stdout, ran.stderr, ...(await Promise.all(files.map((file) => readFile(file, "utf8")))));
  const board = JSON.parse(ran.stdout) as Board;
  const cells = board.rows.flatMap(({ name, cells: of }) => of.map((cell) => ({ name, ...cell })));
  const amiss = cells
    .filter(({ state }) => state !== "converged")
    .map(({ name, surface, state, details }) => [`${name} ${surface} ${state}`, ...details]);
  return { code: ran.code, board, amiss };
}

test("after a deployment everybody is converged everywhere, and the board names its commit and pusher", async () => {
  const { code, board, amiss } = await taken();
  expect([amiss, code]).toEqual([[], 0]);
  expect(board.rows.map(({ name, cells }) => [name, cells.map(({ surface }) => surface).join(" ")])).toEqual([
    ["ancamilea", "host cluster vault"],
    ["emo", "host cluster vault forge"],
    ["wizard", "host cluster vault"],
    ["everybody", "host cluster forge"],
  ]);
  expect(board.lastDeployment).toMatchObject({ commit: COMMIT, pusher: "vbarzin", result: "succeeded" });
});

test("what a hand has changed on each surface is said of exactly that person, and nobody else", async () => {
  const instance = await openInstance(instanceName());
  const { url, owner, adminUser, adminPassword } = await forgeFact.read(instance);
  const credentials = Buffer.from(`${adminUser}:${adminPassword}`).toString("base64");
  const collaborator = `${url}/api/v1/repos/${owner}/infra/collaborators/ebarzin`;
  await fetch(collaborator, { method: "DELETE", headers: { authorization: `Basic ${credentials}` } });
  await stack.kubectl(["delete", "rolebinding", "owner", "--namespace=plotting-book"]);
  await stack.kubectl([
    "patch",
    "quota",
    "quota",
    "--namespace=plotting-book",
    "--patch",
    '{"spec":{"hard":{"pods":"99"}}}',
  ]);
  await stack.sh("systemctl disable --now --quiet t3-serve@emo.service");
  expect(await taken()).toMatchObject({
    code: 1,
    amiss: [
      [
        "ancamilea cluster changed",
        "ResourceQuota plotting-book/quota: differs in spec.hard.pods",
        "RoleBinding plotting-book/owner: is gone",
      ],
      ["emo host changed", "devvm: would start t3-serve@emo.service, enabled"],
      [
        "emo forge changed",
        "collaborator ebarzin: differs in permission",
        'who may push to master: on the list "merge" is missing',
        'who may push to master: on the list "push" is missing',
      ],
    ],
  });
});

test("who is decided and not deployed is pending; a host that cannot be reached is unknown and never taken for converged", async () => {
  await stack.prepare(withDora, [[["hosts", 0, "port"], 1]]);
  const { code, board, amiss } = await taken();
  const states = (who: string) => amiss.map(([cell]) => cell).filter((cell) => cell?.startsWith(`${who} `));
  expect([code, states("dora"), states("wizard")]).toEqual([
    1,
    ["dora host pending", "dora cluster pending", "dora vault pending"],
    ["wizard host unknown"],
  ]);
  expect(amiss.find(([cell]) => cell === "wizard host unknown")?.[1]).toMatch(/^devvm: cannot be reached over SSH/);
  expect(board.plan).toEqual([expect.stringMatching(/^dora joins as power-user on devvm/) as string]);
  const text = await ws("status", "dora");
  said.push(text.stdout, text.stderr);
  expect(text.stdout).toMatch(/^dora +present +pending +pending +pending$/m);
});

test("no rendering holds any of the stack's secrets, a person's token or a control character", async () => {
  const instance = await openInstance(instanceName());
  const { adminPassword } = await forgeFact.read(instance);
  const { programToken } = await vaultFact.read(instance);
  const tokens = await stack.sh("sed 's/.*:\\([^@]*\\)@.*/\\1/' /home/emo/.git-credentials");
  const account = await stack.kubectl([
    ...["get", "secret", "dashboard-anca-token", "--namespace=plotting-book"],
    "--output=jsonpath={.data.token}",
  ]);
  const shown = await stack.engine.pulumi(["config", "--json", "--show-secrets", ...stack.target]);
  const entries = Object.values(JSON.parse(shown.stdout) as Record<string, { value: string; secret: boolean }>);
  const configured = entries.filter(({ secret }) => secret).flatMap(({ value }) => value.split(/[\s",]+/));
  const secrets = [adminPassword, programToken, tokens, account.stdout, ...configured].filter(
    (secret) => secret.length >= 16 && !/^https?:\/\//.test(secret),
  );
  expect(secrets.length).toBeGreaterThan(12);
  const all = said.join("\n");
  expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that there is none is what is to be proved
  expect(all).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
});

test("what changed for somebody is told with the deployment that brought it about", async () => {
  const ran = await run([`${PROJECT}/ws`, "history", "emo", "--roster", `${PROJECT}/roster.yaml`], { accept: [0] });
  expect(ran.stdout).toMatch(/^\d{4}-\d\d-\d\d emo: joins as power-user on devvm.*; commit [0-9a-f]{12}\n/);
});
