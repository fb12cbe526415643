/** Implements `./ws restore-home`: unpacks an archived home into the home of a user who has returned. */

import { Refusal } from "../../config/refusal.ts";
import { type Command, readArgs, UsageError } from "../command.ts";
import { PulumiError } from "../pulumi.ts";
import { ClientError } from "../../clients/client-error.ts";
import { decideOn, openStack } from "../stack/open-stack.ts";
import { runRemovalProgram, restored } from "../removal/run-removal-program.ts";
import { SELECTION_HELP, SELECTION_OPTIONS, stackSelection } from "../stack-selection.ts";

export const restoreHome: Command = {
  help: `Usage: ./ws restore-home USER --archive NAME [--uid UID] [--stack NAME] [--config-file FILE]

For somebody who is on the roster and deployed again. Unpacks the archive as that person and compares
every checksum. Nothing is ever overwritten: where the home holds anything, all of it goes into a new
folder ~/restored-<day>. The files are theirs as they are today. An archive that was made on another
host is copied, as root, into the folder of the archives on theirs first (docs/removal.md).

  --archive NAME      as \`./ws remove\` said it; a folder of the archives on their host
  --uid UID           the archive's uid, where it is not theirs of today and they are the same person
${SELECTION_HELP}

Exit code: 0 when all of it is back, 1 when not, 2 when called the wrong way.`,
  run: async (args, terminal) => {
    const { values, positionals } = readArgs(args, {
      ...SELECTION_OPTIONS,
      archive: { type: "string" },
      uid: { type: "string" },
    });
    const [who, more] = positionals;
    if (who === undefined || more !== undefined || values.archive === undefined)
      throw new UsageError("restore-home takes one person and --archive");
    if (values.uid !== undefined && !/^\d{4,5}$/.test(values.uid))
      throw new UsageError(`--uid: expected the uid of a person but found "${values.uid}"`);
    try {
      const stack = await openStack(stackSelection(values));
      const { desired } = await decideOn(stack);
      const person = [...desired.people.values()].find(({ osUser }) => osUser === who);
      const host = stack.settings.hosts.find(({ name }) => name === person?.host);
      if (person === undefined || host === undefined)
        throw new Refusal(`${who} is not on the roster; put the row back and deploy first. Nothing was changed.`);
      const former = values.uid === undefined ? [] : ["--uid", values.uid];
      const words = ["restore", who, "--archive", values.archive, ...former];
      const { folder, entries, tamed } = await runRemovalProgram(stack.settings, host, words, restored);
      terminal.out(`${host.name}: ${entries} things of ${values.archive} are in ${folder}, as they were`);
      if (tamed > 0)
        terminal.out(`${host.name}: ${tamed} of them had the set-user-id or set-group-id bit; it was cleared`);
      return 0;
    } catch (cause) {
      if (!(cause instanceof Refusal || cause instanceof PulumiError || cause instanceof ClientError)) throw cause;
      terminal.err(terminal.paintErr("red", cause.message));
      return 1;
    }
  },
};
