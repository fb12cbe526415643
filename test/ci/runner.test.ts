import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isFor, readPipeline } from "../../ci/runner/pipeline-file.ts";
import { env, PASSPHRASE, pipeline, world } from "./fixtures/runner-world.ts";
import { REPEAT_AFTER_MS } from "../../ci/runner/due-runs.ts";

test("a head that is not deployed runs the deployed commit's pipeline file, never the head's own", async () => {
  const at = world();
  const head = at.commit({ ".woodpecker/deploy.yaml": pipeline("pushed") });
  expect(await at.run()).toBe(0);
  expect(at.marks()).toEqual([`deployed cron ${head}`]);
  expect(at.asked).toEqual([
    expect.objectContaining({
      PULUMI_BACKEND_URL: "file:///state-of-the-stack",
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    }),
  ]);
});

test("a branch, a pull request's ref or a tag with a pipeline of its own starts nothing", async () => {
  const at = world();
  at.commit({ ".woodpecker/deploy.yaml": pipeline("pushed") }, "refs/heads/topic");
  at.commit({ ".woodpecker/evil.yaml": pipeline("pushed") }, "refs/pull/7/head");
  at.tag("v1", "HEAD");
  expect([await at.run(), at.marks()]).toEqual([0, []]);
});

test("what is deployed already is left alone", async () => {
  const at = world();
  expect([await at.run(), at.marks(), at.log]).toEqual([0, [], ["Nothing is due."]]);
});

test("a confirmed commit below the head goes first; a tag of another form, off the branch or of the past starts nothing", async () => {
  const at = world();
  const past = at.deployed;
  at.deployed = at.commit({ ".woodpecker/deploy.yaml": pipeline("deployed") });
  const confirmed = at.commit({ a: "1" });
  const head = at.commit({ a: "2" });
  const elsewhere = at.commit({ a: "3" }, "refs/heads/topic");
  for (const commit of [past, at.deployed, confirmed, elsewhere]) at.tag(`confirm/${commit}`, commit);
  at.tag("confirm/latest", head);
  at.tag(`confirm/${head.slice(0, 12)}`, head);
  at.tag(`confirm/${"0".repeat(40)}`, head);
  at.tag(`x/confirm/${head}`, head);
  expect(await at.run()).toBe(0);
  expect(at.marks()).toEqual([`deployed tag ${confirmed} confirm/${confirmed}`]);
  at.deployed = confirmed;
  await at.run();
  expect(at.marks().at(-1)).toBe(`deployed cron ${head}`);
});

test("the tag's name says the commit, whatever object the tag points at", async () => {
  const at = world();
  const first = at.commit({ a: "1" });
  const head = at.commit({ a: "2" });
  at.tag(`confirm/${first}`, head);
  await at.run();
  expect(at.marks()).toEqual([`deployed tag ${first} confirm/${first}`]);
});

test.each([
  ["is not on the branch", (at: ReturnType<typeof world>) => at.commit({ a: "1" }, "refs/heads/topic")],
  ["is unknown", () => "1".repeat(40)],
  ["is abbreviated", (at: ReturnType<typeof world>) => at.deployed.slice(0, 12)],
  ["is the name of a ref", () => "refs/remotes/origin/master"],
])("nothing runs where the deployed commit %s", async (_what, deployed) => {
  const at = world();
  at.deployed = deployed(at);
  at.git("checkout", "--quiet", "-B", "master", "HEAD~0");
  await expect(at.run()).rejects.toThrow(
    /The deployed commit \S+ is not (on master|in this checkout): .*an admin .*deploys by hand/is,
  );
  expect(at.marks()).toEqual([]);
});

test("nothing runs where the history cannot be read, the forge is away, or the branch is gone", async () => {
  const at = world();
  at.commit({ a: "1" });
  expect(await at.run()).toBe(0);
  at.nowMs += REPEAT_AFTER_MS;
  rmSync(at.forge, { recursive: true });
  await expect(at.run()).rejects.toThrow(/git fetch failed for file:.*infra\.git/);
  execFileSync("git", ["init", "--quiet", "--bare", at.forge], { env });
  await expect(at.run()).rejects.toThrow(/git fetch failed for file:/);
  expect(at.marks()).toHaveLength(1);
});

test("a step gets its own variables and secrets, and of what the runner was started with the authorities alone", async () => {
  const at = world();
  at.deployed = at.commit({
    ".woodpecker/deploy.yaml": pipeline("deployed", 'env -0 | cut -z -d= -f1 | tr "\\0" "\\n" | sort >> "$MARKS"'),
  });
  at.commit({ a: "1" });
  const planted = {
    NODE_OPTIONS: "--require=/tmp/x",
    BASH_ENV: "/tmp/x",
    GIT_SSH_COMMAND: "/tmp/x",
    LD_PRELOAD_X: "/tmp/x",
    NODE_EXTRA_CA_CERTS: "/etc/ssl/certs/ca-certificates.crt",
  };
  for (const [name, value] of Object.entries(planted)) vi.stubEnv(name, value);
  try {
    expect(await at.run()).toBe(0);
  } finally {
    vi.unstubAllEnvs();
  }
  const [, ...names] = at.marks();
  expect(names.filter((name) => !["_", "PWD", "SHLVL", "OLDPWD"].includes(name))).toEqual([
    ...["CI", "CI_COMMIT_BRANCH", "CI_COMMIT_SHA", "CI_FORGE_URL", "CI_PIPELINE_EVENT", "CI_REPO_CLONE_URL"],
    ...[
      "CI_REPO_NAME",
      "CI_REPO_OWNER",
      "HOME",
      "LANG",
      "MARKS",
      "NODE_EXTRA_CA_CERTS",
      "PATH",
      "WS_STATE_ENVIRONMENT",
    ],
  ]);
});

test("no secret stands in the log, not even where a step prints it in parts", async () => {
  const at = world();
  const print =
    'p="$(printf %s "$WS_STATE_ENVIRONMENT" | sed -n s/^VAULT_TOKEN=//p)"; echo "it is $p"; printf %s "$WS_STATE_ENVIRONMENT" | grep PASS | cut -c40- ; printf %s "$p" | base64';
  at.deployed = at.commit({ ".woodpecker/deploy.yaml": pipeline("deployed", print) });
  at.commit({ a: "1" });
  await at.run();
  expect(at.log.filter((line) => line.startsWith("[up]"))).toEqual([
    "[up] it is [secret]",
    "[up] [secret]",
    "[up] [secret]",
  ]);
});

test("a credential that was written with another system's line ends gives a step the lines that it names", async () => {
  const at = world();
  at.credential("ws_state_environment", "PULUMI_BACKEND_URL=file:///state-of-the-stack\r\nVAULT_TOKEN=vt-123\r");
  at.deployed = at.commit({
    ".woodpecker/deploy.yaml": pipeline("deployed", `printf %s "$WS_STATE_ENVIRONMENT" | tr '\\r' '!' >> "$MARKS"`),
  });
  at.commit({ a: "1" });
  await at.run();
  expect(at.marks().slice(1)).toEqual(["PULUMI_BACKEND_URL=file:///state-of-the-stack", "VAULT_TOKEN=vt-123"]);
});

test("a refused push is tried again after an hour, or as soon as anything changes", async () => {
  const at = world();
  at.deployed = at.commit({ ".woodpecker/deploy.yaml": pipeline("deployed", "exit 1", "echo never >> $MARKS") });
  const head = at.commit({ a: "1" });
  expect([await at.run(), await at.run(), at.marks().length]).toEqual([1, 0, 1]);
  expect(at.log.join("\n")).toContain("it failed less than an hour ago, and nothing has changed since");
  at.nowMs += REPEAT_AFTER_MS;
  expect([await at.run(), at.marks().length]).toEqual([1, 2]);
  at.lightweightTag(`confirm/${head}`, head);
  expect([await at.run(), at.marks().length]).toEqual([0, 2]);
  // What the refusal advises: an annotated tag in the place of the lightweight one is looked at at once.
  at.tag(`confirm/${head}`, head);
  expect([await at.run(), at.marks().length]).toEqual([1, 3]);
  at.commit({ a: "2" });
  expect([await at.run(), at.marks().length]).toEqual([1, 5]);
});

test("a schedule of another name runs each time, whether or not the head is deployed", async () => {
  const at = world();
  at.deployed = at.commit({ ".woodpecker/drift.yaml": pipeline("drift") });
  expect([await at.run("drift"), await at.run("drift"), at.marks().length]).toEqual([0, 0, 2]);
});

test("a missing or empty credential, a missing file and a damaged memory are errors that say what to do", async () => {
  const at = world();
  at.commit({ a: "1" });
  await expect(at.run("daily")).rejects.toThrow(/has no \.woodpecker\/daily\.yaml/);
  at.credential("ws_forge_token", "");
  await expect(at.run()).rejects.toThrow(/The credential ws_forge_token is empty/);
  rmSync(join(at.folder, "credentials", "secret_ws_forge_token"));
  await expect(at.run()).rejects.toThrow(
    /The credential ws_forge_token cannot be read \(ENOENT.*name it under absent in the settings/,
  );
  at.credential("ws_forge_token", "token-of-the-reader");
  writeFileSync(join(at.folder, "state", "deploy.json"), "{");
  await expect(at.run()).rejects.toThrow(/deploy\.json is damaged: remove it/);
  expect(at.marks()).toEqual([]);
});

test("a step ends with its shell, and nothing that it started goes on", async () => {
  const at = world();
  at.deployed = at.commit({
    ".woodpecker/deploy.yaml": pipeline("deployed", '(sleep 2; echo late >> "$MARKS") &'),
  });
  at.commit({ a: "1" });
  const before = Date.now();
  expect(await at.run()).toBe(0);
  expect(Date.now() - before).toBeLessThan(1_900);
  await new Promise((done) => setTimeout(done, 2_200));
  expect(at.marks()).toHaveLength(1);
});

test("a field that the runner does not carry out is refused by name", () => {
  const good = pipeline("x");
  expect(() => readPipeline("a.yaml", `${good}\nservices: []`)).toThrow(/a\.yaml is not a pipeline.*\n.*services/);
  expect(() => readPipeline("a.yaml", good.replace("skip_clone: true", "skip_clone: false"))).toThrow(/skip_clone/);
  expect(() => readPipeline("a.yaml", good.replace("    image: any", "    image: any\n    detach: true"))).toThrow(
    /detach/,
  );
  expect(() => readPipeline("a.yaml", "a: [")).toThrow(/a\.yaml is not YAML/);
});

test("the runner takes every pipeline of this repository", () => {
  const folder = new URL("../../.woodpecker/", import.meta.url);
  const files = new Map(
    readdirSync(folder).map((file) => [file, readPipeline(file, readFileSync(new URL(file, folder), "utf8"))]),
  );
  const takes = (file: string, occasion: Parameters<typeof isFor>[1]) => {
    const read = files.get(file);
    return read !== undefined && isFor(read, occasion);
  };
  expect([
    takes("deploy.yaml", { event: "cron", cron: "deploy", branch: "master" }),
    takes("deploy.yaml", { event: "tag", ref: "refs/tags/confirm/0" }),
    takes("deploy.yaml", { event: "tag", ref: "refs/tags/v1" }),
    takes("deploy.yaml", { event: "pull_request", branch: "master" }),
    takes("drift.yaml", { event: "cron", cron: "drift", branch: "master" }),
    takes("pull-request.yaml", { event: "pull_request", branch: "master" }),
  ]).toEqual([true, true, false, false, true, true]);
});
