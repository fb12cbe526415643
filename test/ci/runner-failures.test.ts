import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { announce } from "../../ci/chat.ts";
import { kindOf } from "../../ci/runner/failure-report.ts";
import { pipeline, world } from "./fixtures/runner-world.ts";

const told: string[] = [];
/** Status of the chat's answers. */
let status = 200;
const chat = createServer((request, reply) => {
  let body = "";
  request.on("data", (part) => {
    body += String(part);
  });
  request.on("end", () => {
    told.push((JSON.parse(body) as { readonly text: string }).text);
    reply.writeHead(status).end();
  });
});
beforeAll(() => new Promise<void>((done) => chat.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise((done) => chat.close(done)));
beforeEach(() => {
  told.length = 0;
  status = 200;
});

function worldWithChat(command: string) {
  const at = world();
  at.absent = [];
  at.credential("ws_chat_webhook", `http://127.0.0.1:${(chat.address() as AddressInfo).port}/hook`);
  const daily = pipeline("deployed", command).replace("cron: drift", "cron: daily");
  at.deployed = at.commit({ ".woodpecker/daily.yaml": daily });
  return at;
}

test("a failing step of a schedule is told to the chat once, and again after a success in between", async () => {
  const at = worldWithChat('test -e "$MARKS.repaired"');
  status = 500;
  expect([await at.run("daily"), told.length]).toEqual([1, 1]);
  status = 200;
  expect([await at.run("daily"), await at.run("daily"), told.length]).toEqual([1, 1, 2]);
  expect(told[1]).toMatch(
    /^The pipeline daily of the stack prod fails \(journalctl -u workstation-daily\):\n {2}The step up ended with 1\.$/,
  );
  at.repair();
  expect([await at.run("daily"), told.length]).toEqual([0, 2]);
  at.repair(false);
  expect([await at.run("daily"), told.length]).toEqual([1, 3]);
});

test("a run that cannot begin is told to the chat once: the forge is away, then a credential is missing", async () => {
  const at = worldWithChat("true");
  rmSync(at.forge, { recursive: true });
  for (let night = 0; night < 2; night += 1) await expect(at.run("daily")).rejects.toThrow(/git fetch failed/);
  rmSync(join(at.folder, "credentials", "secret_ws_forge_token"));
  for (let night = 0; night < 2; night += 1) await expect(at.run("daily")).rejects.toThrow(/ws_forge_token/);
  expect(told).toEqual([
    expect.stringContaining("git fetch failed for file:///"),
    expect.stringContaining("ws_forge_token"),
  ]);
});

test("a failure that only differs in times and request numbers is told once, and two kinds that take turns once each", async () => {
  const at = worldWithChat("true");
  const failures = [
    "S3 gave no answer, RequestID: 7QW3NK2P0ZB1, after 12 ms",
    "dial tcp 10.0.0.1:4432: connection refused",
  ];
  for (let start = 0; start < 6; start += 1) {
    at.deployed = `none: ${(failures[start % 2] ?? "").replace(/\d/g, (digit) => String((Number(digit) + start) % 10))}`;
    await expect(at.run("daily")).rejects.toThrow();
  }
  expect(told).toHaveLength(2);
});

test.each([
  [
    "S3: AccessDenied, RequestID: 4442587FB7D0A2F9, HostID: 9vKZ1a/qq=",
    "S3: AccessDenied, RequestID: A1B2C3D4E5F60718, HostID: 0xYYq2/zz=",
  ],
  ["cannot open /tmp/x-AbCdEfGhIjKl", "cannot open /tmp/x-QwErTyUiOpAs"],
  ["dial tcp 10.0.0.1:4432: refused after 12 ms", "dial tcp 10.0.0.1:51022: refused after 0 ms"],
])("two failures that differ in chance alone are of one kind: %s", (one, other) => {
  expect(kindOf(one)).toBe(kindOf(other));
});

test("another status is another kind of failure", () => {
  expect(kindOf("Vault answered with status 503")).not.toBe(kindOf("Vault answered with status 401"));
});

test("a failing step is told with its last line, again when that changes, and again after a day", async () => {
  const at = worldWithChat('cat "$MARKS.reason"; exit 1');
  for (const reason of ["nina still gets in", "nina still gets in", "anca is not as decided"]) {
    writeFileSync(join(at.folder, "marks.reason"), `${reason}\n`);
    expect(await at.run("daily")).toBe(1);
  }
  expect(told).toEqual([
    expect.stringContaining("The step up ended with 1; its last line: nina still gets in"),
    expect.stringContaining("The step up ended with 1; its last line: anca is not as decided"),
  ]);
  at.nowMs += 25 * 3_600_000;
  expect([await at.run("daily"), told.length]).toEqual([1, 3]);
});

test("however many kinds of failure there are, the chat gets five messages an hour", async () => {
  const at = worldWithChat('cat "$MARKS.reason"; exit 1');
  for (const word of ["one", "two", "three", "four", "five", "six", "seven"]) {
    writeFileSync(join(at.folder, "marks.reason"), `reason ${word}\n`);
    await at.run("daily");
  }
  expect(told).toHaveLength(5);
});

test("a webhook that is no plain address is not repeated in the journal", async () => {
  for (const hook of [
    "https://bot:sEcReT-pass@chat.example/hooks/f7wq3c1x9z",
    "hooks.chat.example/services/T01abcdefGHIJ",
  ]) {
    const lines: string[] = [];
    const spy = vi.spyOn(process.stderr, "write").mockImplementation((text) => lines.push(String(text)) > 0);
    try {
      expect(await announce(["x"], hook)).toBe(false);
    } finally {
      spy.mockRestore();
    }
    expect(lines.join("")).toContain("must be a web address without a user in it");
    expect(lines.join("")).not.toMatch(/sEcReT|f7wq3c1x9z|T01abc/);
  }
});

test.each([
  ["a password", "password-6174-database"],
  ["a password that is no valid escape", "pass%word-6174-database"],
])(
  "what an engine's error repeats of the state's credentials reaches no chat and no journal: %s",
  async (_what, password) => {
    const at = worldWithChat("true");
    at.commit({ ".woodpecker/pull-request.yaml": "" });
    const passphrase = "scheme:correct battery staple";
    at.credential(
      "ws_state_environment",
      `PULUMI_BACKEND_URL=postgres://u:${password}@db.example/state\nPULUMI_CONFIG_PASSPHRASE=${passphrase}`,
    );
    at.deployed = `none: unable to open postgres://u:${password}@db.example/state with ${passphrase}`;
    const journal: string[] = [];
    for (const name of ["daily", "pull-request"])
      await at.run(name).catch((cause: Error) => journal.push(`${inspect(cause)}`));
    const shown = [password, passphrase].filter((secret) => [...told, ...journal].join("").includes(secret.slice(-10)));
    expect([told.length, journal.length, shown]).toEqual([1, 2, []]);
  },
);

test("a chat whose address is missing does not hide what failed", async () => {
  const at = worldWithChat("true");
  rmSync(join(at.folder, "credentials", "secret_ws_chat_webhook"));
  rmSync(at.forge, { recursive: true });
  await expect(at.run("daily")).rejects.toThrow(/git fetch failed/);
});

test("the unit of the daily deployment tries again each hour after a failure", () => {
  const unit = readFileSync(new URL("../../ci/runner/systemd/workstation-daily.service", import.meta.url), "utf8");
  expect(unit).toMatch(/^Restart=on-failure\nRestartSec=1h$/m);
});
