/** Starts the runner: `node --import tsx ci/runner/main.ts --settings FILE --credentials PREFIX [--cron NAME] PIPELINE`. */

import { parseArgs } from "node:util";
import { PROJECT } from "../../cli/pulumi.ts";
import { deployedCommit } from "../deployed-commit.ts";
import { logError, log } from "../log.ts";
import { isForOperators } from "../redaction/redact-failure.ts";
import { publishedCommit } from "../snapshot/preview-backend.ts";
import { PREVIEWS, runPipeline } from "./runner.ts";
import { readSettings } from "./settings.ts";

const USAGE =
  "Usage: ci/runner/main.ts --settings FILE --credentials PREFIX [--cron NAME] deploy | daily | drift | pull-request | …";

/** 0: nothing is left to do. 1: a run failed, or what is due cannot be decided; the log says why. 2: a wrong call. */
async function main(argv: string[]): Promise<number> {
  const options = { settings: { type: "string" }, credentials: { type: "string" }, cron: { type: "string" } } as const;
  const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
  const [name = "", ...more] = positionals;
  const cron = values.cron ?? name;
  const wrong = more.length > 0 || ![name, cron].every((word) => PIPELINE.test(word));
  if (values.settings === undefined || values.credentials === undefined || wrong) {
    logError(USAGE);
    return 2;
  }
  const settings = await readSettings(values.settings);
  // The previews' place is a folder or a bucket, which knows no organisation.
  const organization = name === PREVIEWS ? "organization" : settings.organization;
  const stack = `${organization}/workstation/${settings.stack}`;
  const stop = new AbortController();
  process.once("SIGTERM", () => stop.abort());
  return runPipeline(name, {
    ...{ settings, cron },
    credentials: values.credentials,
    deployedCommit: (env) => (name === PREVIEWS ? publishedCommit : deployedCommit)({ stack, folder: PROJECT, env }),
    log,
    signal: stop.signal,
  });
}

const PIPELINE = /^[a-z][a-z-]*$/;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (cause) {
  const isUsage = (cause as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") === true;
  if (!isUsage && !isForOperators(cause)) throw cause;
  logError(isUsage ? `${(cause as Error).message}\n${USAGE}` : (cause as Error).message);
  process.exitCode = isUsage ? 2 : 1;
}
