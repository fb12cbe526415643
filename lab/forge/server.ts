/** Starts the forge's server as a user of its own, and sees to its first administrator. */
import { access, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";
import { LabError } from "../lab-error.ts";
import { startServer } from "../process/start.ts";
import { type Ran, run } from "../run.ts";
import type { ToolHome } from "../toolchain/index.ts";
import { forgeApi, type ForgeLogin } from "./api.ts";
import { type ForgePaths, forgePaths, RUN_USER, writeSettings } from "./settings.ts";

/** Brings the server up and answers who administrates it. */
export async function startForgeServer(
  instance: Instance,
  tool: ToolHome,
): Promise<{ readonly url: string; readonly admin: Exclude<ForgeLogin, "anonymous"> }> {
  const paths = forgePaths(instance);
  const program = join(paths.dir, "program");
  await writeSettings(instance, paths, program);
  await copyProgram(tool.dir, program);
  await startServer(instance, {
    name: "forge",
    argv: [join(program, "gitea"), "web", "--config", paths.settingsPath],
    // The last one only makes another version another server.
    env: { USER: RUN_USER, GITEA_WORK_DIR: paths.work, LAB_FORGE: tool.dir },
    cwd: paths.work,
    user: paths.user,
    ready: () => isHealthy(paths.url),
    withinMs: 60_000,
  });
  return { url: paths.url, admin: await keptAdmin(paths, program) };
}

/** Its user cannot pass through root's home, where the cache is; and the path stays, for git hooks of repositories name it. */
async function copyProgram(from: string, program: string): Promise<void> {
  const mark = `${program}/.from`;
  if ((await readIfThere(mark)) === from) return;
  await rm(`${program}.new`, { recursive: true, force: true });
  await run(["cp", "--archive", "--reflink=auto", from, `${program}.new`]);
  await writeFile(`${program}.new/.from`, from);
  await rm(program, { recursive: true, force: true });
  await rename(`${program}.new`, program);
  await access(mark);
}

async function isHealthy(url: string): Promise<true | string> {
  const { status } = await fetch(`${url}/api/healthz`, { signal: AbortSignal.timeout(2_000) });
  return status === 200 || `its health is ${status}`;
}

const login = z.strictObject({ login: z.string(), password: z.string() });
const ADMIN = "operator";

/** The administrator that the program acts as. One whose password was lost with a killed run is made anew. */
async function keptAdmin(paths: ForgePaths, program: string): Promise<z.output<typeof login>> {
  const path = join(paths.dir, "admin.json");
  const kept = await readIfThere(path);
  const admin = kept === undefined ? undefined : login.parse(JSON.parse(kept));
  if (admin !== undefined && (await forgeApi(paths.url, admin).ask("GET", "user")).status === 200) return admin;
  await command(paths, program, ["admin", "user", "delete", "--username", ADMIN], [0, 1]);
  const who = ["--username", ADMIN, "--email", `${ADMIN}@forge.invalid`, "--admin"];
  // A password on the command line could be read by anybody on the machine, so the forge chooses it.
  const { stdout } = await command(paths, program, [
    ...["admin", "user", "create", ...who],
    ...["--random-password", "--random-password-length", "32", "--must-change-password=false"],
  ]);
  const password = /generated random password is '([^']+)'/.exec(stdout)?.[1];
  if (password === undefined) throw new LabError(`The forge made its user ${ADMIN} and did not say the password.`);
  const made = { login: ADMIN, password };
  await writeFile(path, JSON.stringify(made), { mode: 0o600 });
  return made;
}

/** The forge's own command line, as its user: it works on the database beside the running server. */
function command(paths: ForgePaths, program: string, argv: readonly string[], accept = [0]): Promise<Ran> {
  const { uid, gid } = paths.user;
  const asUser = ["--reuid", `${uid}`, "--regid", `${gid}`, "--clear-groups", "--no-new-privs", "--"];
  return run(["setpriv", ...asUser, join(program, "gitea"), "--config", paths.settingsPath, ...argv], {
    cwd: paths.work,
    env: { USER: RUN_USER, HOME: paths.work, GITEA_WORK_DIR: paths.work },
    accept,
  });
}
