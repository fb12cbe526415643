import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { text } from "../house/sources.ts";

const FOLDER = fileURLToPath(new URL("../../.woodpecker/", import.meta.url));
const FILES = readdirSync(FOLDER).sort();
/** Woodpecker's own description of its files; lies beside the project and not in it. */
const SCHEMA = fileURLToPath(new URL("../../../shared/data/woodpecker-pipeline.schema.json", import.meta.url));

const form = z.looseObject({
  steps: z.array(
    z.looseObject({ name: z.string(), commands: z.array(z.string()), environment: z.record(z.string(), z.unknown()) }),
  ),
});
const stepsOf = (file: string) => form.parse(parse(readFileSync(FOLDER + file, "utf8"), { merge: true })).steps;

test("there is a pipeline for a pull request, for a push, for the daily deployment and for the drift report", () => {
  expect(FILES).toEqual(["daily.yaml", "deploy.yaml", "drift.yaml", "pull-request.yaml"]);
});

test("every pipeline with the deployment's state finds the trusted program in the same way", () => {
  const checkouts = FILES.flatMap((file) => stepsOf(file).filter(({ name }) => name === "checkout"));
  expect(checkouts).toHaveLength(3);
  expect(new Set(checkouts.map(({ commands }) => JSON.stringify(commands))).size).toBe(1);
});

test("the daily deployment runs no program but the deployed commit's, and deploys under the same limit as a push", () => {
  const limits = ["daily.yaml", "deploy.yaml"].map(
    (file) =>
      z.looseObject({ concurrency: z.unknown() }).parse(parse(readFileSync(FOLDER + file, "utf8"), { merge: true }))
        .concurrency,
  );
  expect(limits[0]).toEqual(limits[1]);
  const programs = stepsOf("daily.yaml").flatMap(({ commands }) =>
    commands.filter((command) => command.startsWith("cd ")),
  );
  expect(new Set(programs)).toEqual(new Set(["cd trusted", "cd deployed"]));
});

test.for(FILES)("%s is a file that Woodpecker takes", (file, { skip }) => {
  const value: unknown = parse(readFileSync(FOLDER + file, "utf8"), { merge: true });
  if (!existsSync(SCHEMA)) return skip("Woodpecker's schema is not beside this project");
  const schema = JSON.parse(readFileSync(SCHEMA, "utf8")) as object;
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(value);
  expect(validate.errors ?? []).toEqual([]);
});

test.each(FILES)("%s lets the server paste nothing into a command, and runs no install script", (file) => {
  for (const { commands } of stepsOf(file)) {
    for (const command of commands) {
      expect(command).not.toContain("${");
      expect(command).not.toMatch(/\$CI_COMMIT_(MESSAGE|AUTHOR|SOURCE_BRANCH|BRANCH)|\$CI_PIPELINE_(TITLE|AUTHOR)/);
      if (/\bnpm\b/.test(command)) expect(command).toContain("npm ci --ignore-scripts");
    }
  }
});

test("a pull request's steps have neither the deployment's state nor its passphrase nor a token of the forge that writes", () => {
  const secrets = stepsOf("pull-request.yaml").flatMap(({ environment }) =>
    Object.values(environment).flatMap(
      (value) => z.object({ from_secret: z.string() }).safeParse(value).data?.from_secret ?? [],
    ),
  );
  expect([...new Set(secrets)].filter((name) => !/^ws_(preview|comment)_/.test(name))).toEqual([]);
  expect(secrets).not.toContain("ws_preview_write_environment");
});

test("nobody can start a run with the deployment's secrets and variables of their own choice", () => {
  const events = (file: string) =>
    z
      .looseObject({ when: z.array(z.looseObject({ event: z.string() })) })
      .parse(parse(readFileSync(FOLDER + file, "utf8"), { merge: true }))
      .when.map(({ event }) => event);
  expect([...new Set(FILES.flatMap(events))].toSorted()).toEqual(["cron", "pull_request", "push", "tag"]);
});

test("every secret of the pipelines is described in docs/deployment.md", () => {
  const named = FILES.flatMap((file) =>
    [...readFileSync(FOLDER + file, "utf8").matchAll(/from_secret: (\w+)/g)].map(([, name]) => name),
  );
  const page = text("docs/deployment.md");
  expect([...new Set(named)].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

test("nothing of a push runs after a step that failed: what the guard stopped does not run at all", () => {
  expect(stepsOf("deploy.yaml").filter((step) => "when" in step || "failure" in step)).toEqual([]);
});
