/** Fills the `@NAME@` placeholders of a template, and renders command lines for unit files. */

/** @throws when a placeholder has no value or a value no placeholder: a partly filled unit must never be installed. */
export function render(template: string, values: Readonly<Record<string, string>>): string {
  const used = new Set<string>();
  const text = template.replace(/@([A-Z0-9_]+)@/g, (place, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${place}`);
    used.add(name);
    return value;
  });
  const idle = Object.keys(values).filter((name) => !used.has(name));
  if (idle.length > 0) throw new Error(`no place for ${idle.join(", ")}`);
  return text;
}

/**
 * One command line for a unit file. Every argument is quoted; `%i` and `$NAME` keep their meaning to systemd, since
 * the stack's command lines use them, and nothing in them comes from a person.
 */
export function execLine(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[A-Za-z0-9_@%+=:,./${}-]+$/.test(word) ? word : `"${word.replace(/[\\"]/g, "\\$&")}"`))
    .join(" ");
}
