/** Tests what the shell says that a restore leaves where a conversation cannot be read. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const RESUME = new URL("../../../../agent/files/resume.sh", import.meta.url).pathname;
const ENV = { PATH: "/usr/bin:/bin", HOME: "/", SHELL: "/bin/true" };
const linesOf = (...args: readonly string[]) =>
  execFileSync("/bin/sh", [RESUME, ...args], { env: ENV, encoding: "utf8" })
    .trimEnd()
    .split("\n");

test.each(["transcript-unread", "directory-unread"])("%s: the command that goes on is shown as it is", (what) => {
  const command = String.raw`cd '/mnt/it'\''s \n' && claude --resume 6f0c2f1a-5b59-4c06-9a55-0d1f3f6f7a01`;
  expect(linesOf(what, command).slice(1)).toEqual([`Once it can be read, go on with its conversation: ${command}`]);
  expect(linesOf(what)).toHaveLength(1);
});

test("a shell that is not in the home does not say so", () => {
  expect(linesOf("directory")).toEqual([expect.stringContaining("in your home")]);
  expect(linesOf("directory-shell")).toEqual([expect.stringContaining("where its shell was")]);
});
