/** Programs that hang, cannot be started or close their input are told apart, and arguments reach them unchanged. */

import { expect, test } from "vitest";
import { ProgramError, runProgram } from "../../../clients/process/run-program.ts";
import { shellQuoted } from "../../../clients/shell-quote.ts";

const script = (text: string, options: object = {}) =>
  runProgram(["/bin/sh", "-c", text], { timeoutMs: 10_000, ...options });

test("returns output, exit code and each line as it comes", async () => {
  const lines: string[] = [];
  const ran = await script("cat; echo oops >&2; exit 3", {
    input: "one\ntwo",
    onLine: (line: string) => lines.push(line),
  });
  expect({ ...ran, stdout: ran.stdout.toString("utf8") }).toEqual({
    ...{ code: 3, signal: null, timedOut: false },
    ...{ stdout: "one\ntwo", stderr: "oops\n" },
  });
  expect(lines.sort()).toEqual(["one", "oops", "two"]);
});

test("stops a program that is late with the signal that the caller names", async () => {
  expect(await script("exec sleep 60", { timeoutMs: 50 })).toMatchObject({
    code: null,
    signal: "SIGKILL",
    timedOut: true,
  });
  const ended = await script("trap 'kill $!; exit 7' TERM; sleep 60 & wait", { timeoutMs: 300, stopSignal: "SIGTERM" });
  expect(ended).toMatchObject({ code: 7, timedOut: true });
});

test.each([
  ["ends by itself", "sleep 60 & echo $!", 0],
  ["is stopped", "trap 'exit 7' TERM; sleep 60 & echo $!; wait", 7],
])(
  "a program that %s is waited for no longer than its deadline, whatever it has left running",
  async (_, text, code) => {
    const begunMs = performance.now();
    const ran = await script(text, { timeoutMs: 300, stopSignal: "SIGTERM" });
    process.kill(Number(ran.stdout.toString("utf8")));
    expect(ran).toMatchObject({ code, timedOut: true });
    expect(performance.now() - begunMs).toBeLessThan(20_000);
  },
);

test("a program that is not there is an error with the system's code", async () => {
  const failed = await runProgram(["/nowhere/pulumi"], { timeoutMs: 1000 }).catch((cause: unknown) => cause);
  expect(failed).toBeInstanceOf(ProgramError);
  expect(failed).toMatchObject({
    code: "ENOENT",
    message: expect.stringContaining("/nowhere/pulumi cannot be started"),
  });
});

test("a program that does not read its input ends with its own exit code", async () => {
  expect(await script("exit 0", { input: "x".repeat(1 << 20) })).toMatchObject({ code: 0 });
});

test.each(["", "plain", "it's", '$(id) `id` "x"', "a\nb", "*", "-n", "ö\\"])(
  "the shell gets the word %j unchanged",
  async (word) => {
    const { stdout } = await script(`printf %s ${shellQuoted(word)}`);
    expect(stdout.toString("utf8")).toBe(word);
  },
);
