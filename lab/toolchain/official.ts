/** Finds the vendor's own engine: where the pinned version is on the PATH, the lab builds none. */
import { access, constants } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { run } from "../run.ts";
import { ENGINE_VERSION, type Tool } from "./tools.ts";

/**
 * The folder of the official tool, or nothing where it has to be built. Engine and language host come together in the
 * vendor's download, so one without the other does not count.
 */
export async function officialHome(tool: Tool): Promise<string | undefined> {
  if (tool !== "engine" && tool !== "language-host") return undefined;
  for (const dir of (process.env.PATH ?? "").split(delimiter).filter((entry) => entry.startsWith("/"))) {
    if (!(await isProgram(join(dir, "pulumi")))) continue;
    // The first one on the PATH is what the operator means; a later one is not looked for.
    const complete = await isProgram(join(dir, "pulumi-language-nodejs"));
    return complete && (await versionOf(join(dir, "pulumi"))) === ENGINE_VERSION ? dir : undefined;
  }
  return undefined;
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

/** The engine keeps files below its home even when it is only asked for its version, so it gets a home that is not there. */
const versionOf = async (pulumi: string): Promise<string> => {
  const env = { PULUMI_HOME: join(dirname(pulumi), ".none"), PULUMI_SKIP_UPDATE_CHECK: "1" };
  return (await run([pulumi, "version"], { env, accept: [0, 1, 255] })).stdout.trim();
};
