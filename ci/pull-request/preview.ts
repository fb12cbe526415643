/**
 * The step `preview`: the base branch's program on the pull request's data, with credentials that can only read, on a copy
 * of a state that holds no secret.
 */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Document } from "yaml";
import { z } from "zod";
import { PROJECT } from "../../cli/pulumi.ts";
import { mustPulumi, pulumi, type StackAt, tail } from "../engine.ts";
import { given, StepError } from "../environment.ts";
import { run } from "../run.ts";
import { clean, complain, say } from "../say.ts";
import { openPlace, placeEnv, withScratch } from "../snapshot/place.ts";
import { CREDENTIALS } from "../snapshot/publish.ts";
import { WITHHELD } from "../snapshot/withhold.ts";
import { type DataPath, openStackFile, useFile } from "../stack-file.ts";
import { readBranch } from "./branch.ts";
import { differencesBetween, type Preview, previewForm } from "./differences.ts";
import { emptyReport, type Report } from "./report.ts";

/** @returns 1 where the pull request could not be deployed as it is; the report says why */
export async function preview(): Promise<number> {
  const report = await reportOf().catch((cause: unknown): Report => {
    if (!(cause instanceof StepError)) throw cause;
    return { ...emptyReport(given("CI_COMMIT_SHA")), problems: cause.message.split("\n") };
  });
  await writeFile(given("WS_REPORT"), JSON.stringify(report, shown, 1), { mode: 0o600 });
  for (const line of [...report.plan, ...report.warnings]) say(line);
  for (const line of [...report.problems, ...report.brakes]) complain(line);
  return report.problems.length + report.brakes.length > 0 ? 1 : 0;
}

/** Every text of the report as it may be shown. */
const shown = (_key: string, value: unknown): unknown => (typeof value === "string" ? clean(value) : value);

async function reportOf(): Promise<Report> {
  const stack = given("WS_STACK");
  const branch = await readBranch(PROJECT, await openStackFile(PROJECT, stack));
  return withScratch(async (scratch) => {
    const published = { stack, folder: scratch, env: placeEnv(given("WS_PREVIEW_BACKEND_URL")) };
    const state = await mustPulumi(published, ["stack", "export"]);
    if (!holdsResources(state))
      throw new StepError("No deployment was published for previews yet: the pipeline of the next push does that.");
    // A copy of its own: whatever a preview does there is gone with it.
    await mkdir(join(scratch, "state"));
    const env = placeEnv(`file://${join(scratch, "state")}`);
    const copy: StackAt = { stack, folder: scratch, env };
    await openPlace(copy);
    await mustPulumi(copy, ["stack", "import"], { input: state });
    const at = async (name: string, data: ReadonlyMap<DataPath, Buffer>): Promise<Required<StackAt>> => {
      const folder = join(scratch, name);
      await mkdir(folder);
      const configFile = await writeConfig({ stack, folder, env, data });
      return { stack, folder: PROJECT, env, configFile };
    };
    const [was, would] = [await at("base", new Map()), await at("branch", branch.data)];
    const decided = await planOf(would);
    const known = { ...emptyReport(branch.commit), ...decided, unread: [...branch.unread] };
    if (decided.problems.length + decided.brakes.length > 0) return known;
    const { change, before } = differencesBetween(await previewed(was), await previewed(would));
    return { ...known, change: [...change], before: [...before] };
  });
}

const exported = z.looseObject({ deployment: z.looseObject({ resources: z.array(z.unknown()).default([]) }) });

const holdsResources = (state: string): boolean => exported.parse(JSON.parse(state)).deployment.resources.length > 0;

/** The base's settings, other data, and credentials that can only read in place of the encrypted ones, which are left out. */
async function writeConfig(how: {
  readonly stack: string;
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly data: ReadonlyMap<DataPath, Buffer>;
}): Promise<string> {
  const { stack, folder, env, data } = how;
  const document = await openStackFile(PROJECT, stack);
  document.delete("encryptionsalt");
  document.delete("secretsprovider");
  const encrypted = takeEncrypted(document);
  for (const [index, [path, content]] of [...data].entries()) {
    const file = join(folder, `data-${index}`);
    await writeFile(file, content);
    useFile(document, path, file);
  }
  const configFile = join(folder, `Pulumi.${stack}.yaml`);
  await writeFile(configFile, document.toString({ lineWidth: 0 }), { mode: 0o600 });
  const readers = new Map<string, string>(CREDENTIALS.map(([key, variable]) => [`workstation:${key}`, variable]));
  const at: StackAt = { stack, folder, env: { ...env }, configFile };
  await writeFile(join(folder, "Pulumi.yaml"), "name: workstation\nruntime: nodejs\n");
  for (const path of encrypted) {
    const variable = readers.get(path.join("."));
    const value = variable === undefined ? WITHHELD : given(variable as (typeof CREDENTIALS)[number][1]);
    const [key = "", ...below] = path;
    const name = [key, ...below.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))].join("");
    await mustPulumi(at, ["config", "set", "--secret", ...(below.length > 0 ? ["--path"] : []), name], {
      input: value,
    });
  }
  return configFile;
}

/** Removes every encrypted value and answers where they stood. */
function takeEncrypted(document: Document): readonly (readonly (string | number)[])[] {
  const found: (string | number)[][] = [];
  const look = (value: unknown, path: readonly (string | number)[]): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value) && Object.keys(value).join() === "secure") return void found.push([...path]);
    for (const [key, item] of Object.entries(value)) look(item, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  look(document.toJS().config, []);
  for (const path of found) document.deleteIn(["config", ...path]);
  return found;
}

const planForm = z.union([
  z.object({ ok: z.literal(false), message: z.string() }),
  z.object({
    plan: z.array(z.string()),
    raised: z.array(z.object({ who: z.string(), what: z.array(z.string()) })),
    brakes: z.array(z.object({ message: z.string() })),
    warnings: z.array(z.object({ message: z.string() })),
    notices: z.array(z.string()),
  }),
]);

type Decided = Pick<Report, "problems" | "plan" | "brakes" | "raised" | "warnings">;

/** The program's own decision, in people's words. */
async function planOf({ stack, configFile, env }: Required<StackAt>): Promise<Decided> {
  const argv = ["--import", "tsx", "cli/main.ts", "plan", "--json", "--stack", stack, "--config-file", configFile];
  const ran = await run([process.execPath, ...argv], { cwd: PROJECT, env, timeoutMs: 300_000 });
  const text = ran.stdout.toString("utf8");
  if (text.trim() === "") throw new StepError(`No plan could be made:\n${tail(ran.stderr)}`);
  const found = planForm.parse(JSON.parse(text));
  const none = { problems: [], plan: [], brakes: [], raised: [], warnings: [] };
  if ("message" in found) return { ...none, problems: found.message.split("\n") };
  return {
    problems: [],
    plan: found.plan,
    brakes: found.brakes.map(({ message }) => message),
    raised: found.raised.map(({ who, what }) => `${who}: ${what.join(", ")}`),
    warnings: [...found.notices, ...found.warnings.map(({ message }) => message)],
  };
}

/** @throws StepError with the program's own sentences where it refuses */
async function previewed(at: StackAt): Promise<Preview> {
  const ran = await pulumi(at, ["preview", "--json"], { timeoutMs: 15 * 60_000 });
  const text = ran.stdout.toString("utf8");
  const found = text.trimStart().startsWith("{") ? previewForm.parse(JSON.parse(text)) : undefined;
  if (ran.code === 0 && found !== undefined) return found;
  const errors = (found?.diagnostics ?? [])
    .filter(({ severity }) => severity === "error")
    .map(({ message }) => message);
  throw new StepError(errors.length > 0 ? errors.join("\n") : `The preview failed:\n${tail(ran.stderr)}`);
}
