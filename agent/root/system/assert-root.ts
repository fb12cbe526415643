/** Asserts that a command runs as root, and drops what it inherited from its caller. */

import { Refusal } from "../../lib/errors.ts";

/** The wrappers start the agent with an environment built from nothing. Started in any other way, it drops inherited variables that change what its child processes do. */
export function assertRoot(command: string): void {
  if (process.getuid?.() !== 0) throw new Refusal(`must be run as root: sudo ${command} …`);
  const foreign = Object.keys(process.env).filter((name) => /^(SUDO_|GIT_|SSH_|LD_|NODE_)/.test(name));
  for (const name of foreign) delete process.env[name];
  process.umask(0o077);
  process.chdir("/");
}
