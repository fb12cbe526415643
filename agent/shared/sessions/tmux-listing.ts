/** Defines the format in which tmux lists its panes and parses it, safe against any session name. */

export interface Pane {
  readonly active: boolean;
  readonly pid: number;
  readonly hook: string;
  /** Its process has ended, and the option `remain-on-exit` keeps it. */
  readonly hasEnded?: true;
  /** The directory of what is in front in it, as the server reads it. Only listings by `FORMAT_WITH_PATHS` have it. */
  readonly path?: string;
}

export interface Found {
  /** tmux's own id (`$3`). */
  readonly key: string;
  readonly name: string;
  readonly createdS: number;
  readonly option: string;
  readonly panes: readonly Pane[];
}

/** What stands for an option that is not set. */
export const NOTHING = "-";

/** An option that is not of an id's letters would be able to add fields or rows, so it is not printed at all. */
const ifPlain = (option: string): string => `#{?#{m/r:^[0-9a-f-]+$,#{${option}}},#{${option}},${NOTHING}}`;

/** For `list-panes -a -F`. */
export const FORMAT = [
  "#{session_id}",
  "#{session_created}",
  "#{window_active}#{pane_active}#{?pane_dead,x,}",
  "#{pane_pid}",
  ifPlain("@workstation_conversation"),
  ifPlain("@workstation_started"),
  // Last, since it may hold spaces; tmux escapes tabs and newlines in it.
  "#{session_name}",
].join(" ");
const LINE =
  /^(\$\d+) (\d+) ([01]{2})(x?) (\d+) ([0-9a-f]+(?:-[0-9a-f]+)*|-) ([0-9a-f]+(?:-[0-9a-f]+)*|-) ([^\t]+)(?:\t(\/.*)?)?$/;

/** A server that runs with another group than its person's reads directories that the kernel hides from them. */
export const FORMAT_WITH_PATHS = `${FORMAT}\t#{?#{m/r:^/[^[:cntrl:]\\]*$,#{pane_current_path}},#{pane_current_path},}`;

/** One line a pane; sessions by tmux's own id. */
export function parseListing(listing: string): { readonly found: readonly Found[]; readonly warnings: string[] } {
  const byKey = new Map<string, Found & { readonly panes: Pane[] }>();
  const warnings: string[] = [];
  for (const line of listing.split("\n").filter((text) => text !== "")) {
    const [, key = "", created, active, dead, pid, option = "", hook = "", name = "", path] = LINE.exec(line) ?? [];
    if (key === "") {
      warnings.push("the tmux server listed a session in an unknown format; the session is not recorded");
      continue;
    }
    const pane = {
      active: active === "11",
      pid: Number(pid),
      hook,
      ...(dead === "x" ? { hasEnded: true as const } : {}),
      ...(path === undefined ? {} : { path }),
    };
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { key, name, createdS: Number(created), option, panes: [pane] });
    else known.panes.push(pane);
  }
  return { found: [...byKey.values()], warnings: [...new Set(warnings)] };
}
