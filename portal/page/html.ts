/** Builds HTML in which every value is escaped by construction; only other HTML is inserted as it is. */

export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | string | number | readonly Html[];

/** @example html`<p>${name}</p>`.text */
export function html(literal: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(
    literal.map((piece, at) => (at === 0 ? piece : `${inserted(values[at - 1] ?? "")}${piece}`)).join(""),
  );
}

export const NOTHING = new Html("");

function inserted(value: Value): string {
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("\n");
  // What turns the reading direction of what follows is shown as a mark, as is what cannot be seen.
  return String(value)
    .replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, "\ufffd")
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
