/**
 * Writes the forge's settings file: closed to the outside, quick, and with secrets of its own that outlive a restart.
 */
import { randomBytes } from "node:crypto";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readIfThere } from "../read-optional.ts";
import type { Instance } from "../instance.ts";

/** What the forge's files are and who they belong to. */
export interface ForgePaths {
  readonly url: string;
  /** Root's own: the program, keys, passwords. Others may pass through it. */
  readonly dir: string;
  /** The forge's own: settings, database, repositories. */
  readonly work: string;
  readonly settingsPath: string;
  /** An id that no account of the machine has: the forge refuses to be root, and the machine's accounts stay as they are. */
  readonly user: { readonly uid: number; readonly gid: number };
}

/** Where the forge of an instance lies and listens. */
export function forgePaths(instance: Instance): ForgePaths {
  const dir = instance.path("forge");
  const work = join(dir, "work");
  const id = 64_000 + instance.number;
  const url = `http://${instance.address.lab}:${PORT}`;
  return { url, dir, work, settingsPath: join(work, "app.ini"), user: { uid: id, gid: id } };
}

/** The name that goes with the id; nothing on the machine knows it. */
export const RUN_USER = "forge";

/** Writes the settings and the folder for them. @param program folder of the forge's program and its templates */
export async function writeSettings(instance: Instance, paths: ForgePaths, program: string): Promise<void> {
  const { uid, gid } = paths.user;
  await mkdir(paths.dir, { recursive: true, mode: 0o711 });
  await mkdir(paths.work, { recursive: true, mode: 0o700 });
  await chown(paths.work, uid, gid);
  await writeFile(paths.settingsPath, render(sections(instance, paths, program, await keptSecrets(paths))), {
    mode: 0o600,
  });
  await chown(paths.settingsPath, uid, gid);
}

const PORT = 3000;
const SSH_PORT = 2222;

type Sections = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

const secrets = z.strictObject({
  internalToken: z.string(),
  secretKey: z.string(),
  jwt: z.string(),
  lfsJwt: z.string(),
});
type Secrets = z.output<typeof secrets>;

async function keptSecrets(paths: ForgePaths): Promise<Secrets> {
  const path = join(paths.dir, "secrets.json");
  const kept = await readIfThere(path);
  if (kept !== undefined) return secrets.parse(JSON.parse(kept));
  const random = () => randomBytes(32).toString("base64url");
  const made: Secrets = { internalToken: random(), secretKey: random(), jwt: random(), lfsJwt: random() };
  await writeFile(path, JSON.stringify(made), { mode: 0o600 });
  return made;
}

function sections(instance: Instance, paths: ForgePaths, program: string, secret: Secrets): Sections {
  return {
    "": { APP_NAME: "Forge of the lab", RUN_USER, RUN_MODE: "prod", WORK_PATH: paths.work },
    server: {
      PROTOCOL: "http",
      HTTP_ADDR: instance.address.lab,
      HTTP_PORT: PORT,
      ROOT_URL: `${paths.url}/`,
      STATIC_ROOT_PATH: program,
      // For deploy keys, which are SSH keys and nothing else; its own server, so that the machine's stays out of it.
      DISABLE_SSH: false,
      START_SSH_SERVER: true,
      SSH_LISTEN_HOST: instance.address.lab,
      SSH_DOMAIN: instance.address.lab,
      SSH_LISTEN_PORT: SSH_PORT,
      SSH_PORT,
      BUILTIN_SSH_SERVER_USER: "git",
      OFFLINE_MODE: true,
      LFS_START_SERVER: false,
      LFS_JWT_SECRET: secret.lfsJwt,
    },
    database: { DB_TYPE: "sqlite3", PATH: join(paths.work, "forge.db"), SQLITE_JOURNAL_MODE: "WAL" },
    repository: { ROOT: join(paths.work, "repositories"), DEFAULT_BRANCH: "master" },
    security: {
      INSTALL_LOCK: true,
      SECRET_KEY: secret.secretKey,
      INTERNAL_TOKEN: secret.internalToken,
      // Every request with a password is hashed anew; the default takes a tenth of a second each.
      PASSWORD_HASH_ALGO: "pbkdf2_v1",
    },
    oauth2: { ENABLED: false, JWT_SECRET: secret.jwt },
    service: { DISABLE_REGISTRATION: true, REQUIRE_SIGNIN_VIEW: false, ENABLE_NOTIFY_MAIL: false },
    indexer: { ISSUE_INDEXER_TYPE: "db" },
    queue: { TYPE: "channel" },
    session: { PROVIDER: "memory" },
    log: { MODE: "console", LEVEL: "Info" },
    picture: { DISABLE_GRAVATAR: true },
    actions: { ENABLED: false },
    packages: { ENABLED: false },
    webhook: { ALLOWED_HOST_LIST: "private,loopback" },
    "cron.update_checker": { ENABLED: false },
  };
}

const render = (all: Sections): string =>
  Object.entries(all)
    .map(([name, entries]) => {
      const lines = Object.entries(entries).map(([key, value]) => `${key} = ${value}\n`);
      return `${name === "" ? "" : `[${name}]\n`}${lines.join("")}`;
    })
    .join("\n");
