/**
 * Renders the comment on a pull request as Markdown. Names and messages in it come from the branch and are an
 * attacker's text. Each of them is put into a fenced block, where nothing is a link, a mention, an image or HTML, and
 * each line is short and without invisible characters. Pure.
 */

import { counted } from "../../roster/text/quote.ts";
import type { Report } from "./preview-report.ts";

/** Tells the comment from all others; nobody sees it. */
export const MARKER = "<!-- workstation: preview -->";

/** The forge takes far more; a person does not. */
export const MAX_LENGTH = 12_000;
const MAX_LINES = 25;
const MAX_LINE = 240;

export function commentText(report: Report): string {
  const { commit, problems, plan, brakes, raised, warnings, change, before, unread, undeployed } = report;
  const parts = [
    MARKER,
    `### Preview of ${isHash(commit) ? commit.slice(0, 12) : "this branch"}`,
    section("**This cannot be deployed as it is:**", problems),
    section("**A deployment would stop before any change:**", brakes),
    section("**Rights rise: pushed by anybody but an admin, this waits for an admin's confirmation**", raised),
    problems.length > 0 ? "" : section("**What would happen to whom**", plan, "Nothing would change for anybody."),
    section("**Warnings**", warnings),
    section(`**Resources that this change touches** (${counts(change)})`, lines(change)),
    section(
      "**Different before this change already**: the daily deployment brings these about, merged or not",
      lines(before),
    ),
    section(
      "**Not in this preview**: it runs the deployed program and reads only its data from here. Look at these files yourself",
      unread,
    ),
    section("**On the base branch and not deployed**: this preview does not run these files either", undeployed),
    basis(report.deployed),
  ].filter((part) => part !== "");
  return withinLength(parts);
}

/** As of when the program and the user map are; nothing where they were not used. */
function basis(deployed: Report["deployed"]): string {
  if (deployed === null || !isHash(deployed.commit) || !/^[0-9T:.Z+-]{10,40}$/.test(deployed.time)) return "";
  const map = deployed.hasUserMap ? " and the user map" : "";
  return `*Program${map} as of the deployment of ${deployed.commit.slice(0, 12)}, ${deployed.time}.*`;
}

const isHash = (commit: string): boolean => /^[0-9a-f]{7,64}$/.test(commit);

const lines = (resources: Report["change"]) => resources.map(({ op, type, name }) => `${op.padEnd(7)} ${type} ${name}`);

function counts(resources: Report["change"]): string {
  const ops = ["create", "update", "replace", "delete"];
  const words = ops.flatMap((op) => {
    const count = resources.filter((one) => one.op === op).length;
    return count === 0 ? [] : [`${count} to ${op}`];
  });
  return words.length === 0 ? "none" : words.join(", ");
}

function section(title: string, texts: readonly string[], otherwise = ""): string {
  if (texts.length === 0) return otherwise;
  const shown = texts.slice(0, MAX_LINES).map(harmless);
  const rest = texts.length - shown.length;
  const body = [...shown, ...(rest > 0 ? [`… and ${counted(rest, "more", "more")}`] : [])].join("\n");
  return `${title}\n\n${fenced(body)}`;
}

/** One short line: no control, no invisible and no direction-changing character. */
export function harmless(text: string): string {
  const line = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trimEnd();
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line;
}

/** A fence that is longer than any in the text cannot be closed by it. */
function fenced(body: string): string {
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}text\n${body}\n${fence}`;
}

/** Whole sections are left out from the end rather than one cut in its middle, where a fence would stay open. */
function withinLength(parts: readonly string[]): string {
  const kept: string[] = [];
  let length = NOTE.length;
  for (const part of parts) {
    length += part.length + 2;
    if (length > MAX_LENGTH) return [...kept, NOTE].join("\n\n");
    kept.push(part);
  }
  return `${kept.join("\n\n")}\n`;
}

const NOTE = "*The rest is too long for a comment; the pipeline's log has it.*\n";
