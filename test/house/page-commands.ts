/** Every command that the pages tell somebody to run: in blocks of `sh`, after a `$`, and as a span of code in a sentence. */

import { files, text } from "./sources.ts";

export interface PageCommand {
  /** `page:line`. */
  readonly at: string;
  readonly page: string;
  readonly command: string;
  /** script: a line of a `sh` block. prompt: after a `$`. span: in a sentence. unmarked: in a block that does not say that it is a script. */
  readonly as: "script" | "prompt" | "span" | "unmarked";
}

export const PAGES = files(/^(README\.md|docs\/.*\.md)$/);

/** What code begins with when it is a command and no name. */
const PROGRAMS = [
  ...["./ws", "make", "npm", "npx", "pulumi", "kubectl", "vault", "git", "rclone", "ssh", "workstation", "chown"],
  ...["workstation-remove", "tmux-persist", "systemctl", "loginctl", "chmod", "find"],
];

/** In the order of the page. */
export function commandsOf(page: string, markdown = text(page)): readonly PageCommand[] {
  const lines = markdown.split("\n");
  const prose = [...lines];
  const found: (PageCommand & { readonly line: number })[] = [];
  const add = (line: number, command: string, as: PageCommand["as"]) =>
    found.push({ line, at: `${page}:${line + 1}`, page, command: command.trim(), as });
  for (let at = 0; at < lines.length; at += 1) {
    const [fence, language] = /^\s*```(\w*)$/.exec(lines[at] ?? "") ?? [];
    if (fence === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && /^\s*```$/.test(line));
    if (end < 0) throw new Error(`${page}:${at + 1}: this block has no end`);
    const block = lines.slice(at + 1, end);
    const told = language === "sh" || language === "bash" ? scriptLines(block) : promptLines(block);
    for (const { index, command, as } of told) add(at + 1 + index, command, as);
    prose.fill("", at, end + 1);
    at = end;
  }
  for (const span of prose.join("\n").matchAll(SPAN)) {
    const words = (span[1] ?? "").replaceAll(/\s+/g, " ");
    if (isCommand(words)) add(prose.join("\n").slice(0, span.index).split("\n").length - 1, words, "span");
  }
  return found.sort((a, b) => a.line - b.line);
}

/** A line of text may end inside of it. */
const SPAN = /(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)/g;

interface Told {
  readonly index: number;
  readonly command: string;
  readonly as: PageCommand["as"];
}

/** Comments are none, and neither is a document that is given to a command (`<<'END'`). */
function scriptLines(block: readonly string[]): readonly Told[] {
  const told: Told[] = [];
  for (let index = 0; index < block.length; index += 1) {
    const command = (block[index] ?? "").replace(/(^|\s+)#(\s.*)?$/, "").trim();
    if (command !== "") told.push({ index, command, as: "script" });
    const [, end] = /<<'?(\w+)'?/.exec(command) ?? [];
    if (end !== undefined) while (index + 1 < block.length && (block[index] ?? "").trim() !== end) index += 1;
  }
  return told;
}

const promptLines = (block: readonly string[]): readonly Told[] =>
  block.flatMap((line, index): Told[] => {
    const [, command] = /^\s*\$ (.+)$/.exec(line) ?? [];
    if (command !== undefined) return [{ index, command, as: "prompt" }];
    return isCommand(line.trim()) ? [{ index, command: line.trim(), as: "unmarked" }] : [];
  });

function isCommand(code: string): boolean {
  const [program, ...rest] = code.replace(/^([A-Z_]+=\S+ )+/, "").split(" ");
  return PROGRAMS.includes(program ?? "") && rest.length > 0;
}
