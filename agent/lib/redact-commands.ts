/**
 * Takes commands out of git's standard error: git, the shell and ssh quote a command that fails with its arguments, which
 * may hold secrets.
 */

/** The settings whose commands a git of ours may start; the group is a filter's name. */
const COMMAND_KEY = new RegExp(
  `^(?:${[
    String.raw`filter\.(.+)\.(?:process|smudge|clean)`,
    String.raw`credential\.(?:.+\.)?helper`,
    String.raw`core\.(?:askpass|gitproxy|alternaterefscommand|sshcommand)`,
    String.raw`remote\..+\.uploadpack`,
    String.raw`uploadpack\.packobjectshook`,
    String.raw`gpg\.(?:.+\.)?program`,
  ].join("|")})$`,
  "s",
);

/** A configuration may have any number; the patterns for single lines hold for those beyond. */
const MOST_COMMANDS = 100;
const LONGEST_PROGRAM = 100;
/** Shorter pieces of a command are a bracket or a word that other lines have, too. */
const SHORTEST_PIECE = 8;

const ASSIGNMENT = /^[A-Za-z_]\w*=/;
const SHELL_SIGN = /["'`$\\;&|<>(){}*?[\]#!^=]/;

/**
 * The name of a command's program, without its directory.
 *
 * @returns undefined where only a shell could tell
 */
export function programOf(command: string): string | undefined {
  const words = command.trim().split(/\s+/);
  const at = words.findIndex((word) => !ASSIGNMENT.test(word));
  // The environment's words come first: a quote in one of them may go on behind it.
  const before = words.slice(0, at).map((word) => word.replace(ASSIGNMENT, ""));
  const [program = ""] = words.slice(at);
  if (at < 0 || [...before, program].some((word) => SHELL_SIGN.test(word))) return undefined;
  return program.split("/").at(-1)?.slice(0, LONGEST_PROGRAM) || undefined;
}

/** A command without its arguments; `otherwise` where only a shell could tell its program. */
function shorten(command: string, otherwise = "…"): string {
  const program = programOf(command);
  if (program === undefined) return otherwise;
  return /\s/.test(command.trim()) ? `${program} …` : program;
}

/**
 * @param text the standard error of a git command that failed
 * @param config `git config --list --null` in the same place
 */
export function withoutCommands(text: string, config: string): string {
  const commands = new Map<string, string>();
  for (const entry of config.split("\0")) {
    const at = entry.indexOf("\n");
    const key = at < 0 ? null : COMMAND_KEY.exec(entry.slice(0, at));
    const command = entry
      .slice(at + 1)
      .replace(/^!/, "")
      .trim();
    if (key === null || !hasArguments(command) || commands.size === MOST_COMMANDS) continue;
    commands.set(command, shorten(command, key[1]));
  }
  // One may be the beginning of another.
  const texts = [...commands].flatMap(([command, shown]) => printedForms(command, shown));
  return texts
    .sort(([one], [other]) => other.length - one.length)
    .reduce((rest, [piece, shown]) => rest.replaceAll(piece, () => shown), text);
}

const hasArguments = (command: string): boolean => /\s/.test(command) || SHELL_SIGN.test(command);

/** The forms of a command in which it is printed, whole and in part, and what is printed instead. */
function printedForms(command: string, shown: string): readonly (readonly [string, string])[] {
  // `%f` becomes a path and `%%` a sign; and git cuts a message after 4096 bytes.
  const pieces = command
    .split(/%[f%]|\n/)
    .map((piece, at) => [piece.trim(), at === 0 ? shown : "…"] as const)
    .filter(([piece]) => piece.length >= SHORTEST_PIECE && hasArguments(piece));
  return [[command, shown] as const, ...pieces].flatMap(([piece, instead]) => [
    [piece, instead] as const,
    // As git quotes it for a shell, and as it prints control characters.
    [piece.replace(/['!]/g, "'\\$&'"), instead] as const,
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what git replaces
    [piece.replace(/[\0-\x08\x0b-\x1f\x7f]/g, "?"), instead] as const,
  ]);
}

/** The shell names the whole command before the line in it, and a remote's shell tells of a program of its own. */
const SHELL_SAYS = /^(?!remote: ).*(?:: not found|: Permission denied|: \d+: Syntax error: .*)$/s;
const QUOTED = /^(.*?\b(?:external filter|subprocess|credential helper|command|exec(?:ute)?) ')(.*)$/s;
const UNQUOTED = /^((?:error|fatal): cannot (?:fork\(\) for|run|exec|start proxy) )(?!')(.*?)((?:: [^:]*)?)$/s;
const KNOWN_HOSTS = /^(KnownHostsCommand-\S+) .* (failed, status|exited on signal) /s;
const CREDENTIAL_LINE = /^(warning: invalid credential line): .*/s;

/** A line without the arguments of a command that it quotes, whatever is configured. */
export function withoutArguments(line: string): string {
  const plain = SHELL_SAYS.test(line) ? line.replace(/^.*: \d+: /s, "") : line;
  return plain
    .replace(KNOWN_HOSTS, "$1 $2 ")
    .replace(CREDENTIAL_LINE, "$1")
    .replace(UNQUOTED, (_, says: string, command: string, why: string) => `${says}${shorten(command)}${why}`)
    .replace(QUOTED, (_, says: string, rest: string) => {
      // The command may have quotes of its own, or go on in the next line.
      const end = rest.lastIndexOf("'");
      return end < 0 ? `${says}${shorten(rest)}` : `${says}${shorten(rest.slice(0, end))}${rest.slice(end)}`;
    });
}
