/** A host with ten people; the worker of the first one does what a test wants. */

import { startTestHost, type TestHost } from "./host.ts";
import { account, base, clones, maps, type Somebody } from "./parts.ts";

export const people = Array.from(
  { length: 10 },
  (_, at): Somebody => ({ osUser: `w${at}`, uid: 7600 + at, groups: at === 0 ? ["sudo"] : [] }),
);
export const [first = { osUser: "", uid: 0 }, ...others] = people;

export interface WorkersHost extends TestHost {
  /** Git runs this for a remote over ssh, in the middle of the first one's worker, as that person. */
  inTheWorker(script: string): Promise<string>;
  /** Ends what `inTheWorker` began. */
  harmless(): Promise<string>;
  /** Has everybody's worker but the first one's wanted, since a file of theirs is gone. */
  removeLaunchers(): Promise<string>;
}

export async function startWorkersHost(...named: Parameters<typeof startTestHost>): Promise<WorkersHost> {
  const host = await startTestHost(...named);
  await host.apply(base({ commands: { t3: ["/bin/true"], browser: ["/bin/true"], credentialSync: ["/bin/true"] } }));
  await host.apply(maps(people));
  for (const who of people) for (const part of [account, clones]) await host.apply(part(who));
  const { code, err } = await host.workstation("settle");
  if (code !== 0) throw new Error(err.join("\n"));
  const as = first.osUser;
  return {
    ...host,
    inTheWorker: (script) =>
      host.sh(
        `cd; mkdir -p .ssh; cat > evil; chmod 755 evil; printf 'Host *\\n  ProxyCommand %s/evil\\n' $HOME > .ssh/config; chmod 600 .ssh/config; git -C code remote add evil ssh://nobody@nowhere/x 2>/dev/null; true`,
        { as, input: `#!/bin/sh\n${script}\nexit 1\n` },
      ),
    harmless: () => host.sh("rm -rf ~/evil ~/.ssh; git -C ~/code remote remove evil", { as }),
    removeLaunchers: () =>
      host.sh(`for h in ${others.map(({ osUser }) => osUser).join(" ")}; do rm -f /home/$h/start-claude.sh; done`),
  };
}

/** What a run says of the others when each of their launchers was gone, in order. */
export const WROTE_LAUNCHERS = others.map(({ osUser }) => `${osUser}: wrote ~/start-claude.sh`);
export const launchersIn = (out: readonly string[]): readonly string[] =>
  out.filter((line) => line.endsWith("wrote ~/start-claude.sh")).sort();

/** Prints how many workers run. */
export const WORKERS = "systemctl list-units --plain --no-legend 'workstation-worker-*' | wc -l";

/** Installs, as a person, an assistant that writes down where and with what it was started, and then waits. */
export const INSTALL_ASSISTANT =
  "mkdir -p ~/.local/bin; printf '#!/bin/sh\\npwd > ~/started; echo \"$@\" >> ~/started; exec sleep 600\\n' > ~/.local/bin/claude; chmod 755 ~/.local/bin/claude; git -C ~/code config user.name w1";
