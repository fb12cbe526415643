/** Tests that a limit runs its tasks in turn, and that one which is given up takes and leaves exactly its own place. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { concurrencyLimit } from "../../portal/concurrency-limit.ts";

/** Tasks that end when they are told to. */
function tasks() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const task = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
  };
  return { begun, task, end: (name: string) => ends.get(name)?.() };
}

test("a task that is given up while it waits is never run, and the others keep their order", async () => {
  const { begun, task, end } = tasks();
  const limit = concurrencyLimit(1);
  const gone = new AbortController();
  const first = limit(task("first"));
  const second = limit(task("second"), gone.signal);
  const third = limit(task("third"));
  gone.abort(new Error("gone"));
  await expect(second).rejects.toThrow("gone");
  await expect(limit(task("late"), gone.signal)).rejects.toThrow("gone");
  end("first");
  await first;
  await sleep(0);
  expect(begun).toEqual(["first", "third"]);
  end("third");
  expect(await third).toBe("third");
});

test("a task that is given up at its turn, or while it runs, frees its place once", async () => {
  const { begun, task, end } = tasks();
  const limit = concurrencyLimit(1);
  const gone = new AbortController();
  const first = limit(task("first"));
  const second = limit(task("second"), gone.signal);
  const third = limit(task("third"), gone.signal);
  const outcomes = Promise.allSettled([second, third]);
  end("first");
  // The turn has been handed on when this runs, and the second has not begun.
  await first.then(() => gone.abort(new Error("gone")));
  await sleep(0);
  end("second");
  await outcomes;
  const [a, b, c] = ["a", "b", "c"].map((name) => limit(task(name)));
  await sleep(0);
  expect(begun.filter((name) => ["a", "b", "c"].includes(name))).toEqual(["a"]);
  for (const name of ["a", "b", "c"]) {
    end(name);
    await sleep(0);
  }
  expect(await Promise.all([a, b, c])).toEqual(["a", "b", "c"]);
});
