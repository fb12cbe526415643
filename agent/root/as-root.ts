/** What every command of root starts with: it is root, and nothing of who called it is left. */

import { Refusal } from "../refusal.ts";

/** The wrappers start the agent with an environment from nothing; started in any other way, it drops what is foreign. */
export function assertRoot(command: string): void {
  if (process.getuid?.() !== 0) throw new Refusal(`only root can do that: sudo ${command} …`);
  const foreign = Object.keys(process.env).filter((name) => /^(SUDO_|GIT_|SSH_|LD_|NODE_)/.test(name));
  for (const name of foreign) delete process.env[name];
  process.umask(0o077);
  process.chdir("/");
}
