/** Tests what the portal asks root for: one look of a person at a time, and after a change one that began after it. */
import { expect, test } from "vitest";
import { rootRequests, type SendRequest } from "../../portal/page/root-requests.ts";

/** Root, whose looks end only when the test answers them. */
function heldRoot() {
  const looks: { readonly line: string; readonly answer: () => void }[] = [];
  let changes = 0;
  const send: SendRequest = (line) => {
    const [verb, who = ""] = line.split(" ");
    if (verb === "restore") {
      changes += 1;
      return Promise.resolve(JSON.stringify({ people: [{ who, failed: "There is no such record." }] }));
    }
    // As of when it was asked.
    const text = JSON.stringify({ people: [{ who, failed: `after ${changes} changes` }] });
    return new Promise((resolve) => looks.push({ line, answer: () => resolve(text) }));
  };
  return { send, looks };
}
const settle = () => new Promise(setImmediate);

test("one person's slow look and changes in between take one of the looks that all share", async () => {
  const { send, looks } = heldRoot();
  const host = rootRequests(send, () => 0);
  const theirs = [host.facts("emo")];
  for (let record = 1; record <= 8; record += 1) {
    await host.restore("emo", { record });
    theirs.push(host.facts("emo"));
    await settle();
  }
  expect(looks.map(({ line }) => line)).toEqual(["facts emo"]);
  const other = host.facts("bob");
  await settle();
  expect(looks.map(({ line }) => line)).toEqual(["facts emo", "facts bob"]);
  looks[1]?.answer();
  expect(await other).toEqual({ who: "bob", failed: "after 8 changes" });
  looks[0]?.answer();
  expect(await theirs[0]).toEqual({ who: "emo", failed: "after 0 changes" });
  await settle();
  // All of the later ones share one look, which began after the last change.
  expect(looks).toHaveLength(3);
  looks[2]?.answer();
  for (const later of theirs.slice(1)) expect(await later).toEqual({ who: "emo", failed: "after 8 changes" });
});

test("a look that fails is told to all who wait for it, and the next request asks again", async () => {
  let asked = 0;
  const host = rootRequests(
    async () => {
      asked += 1;
      throw new Error(`failed ${asked}`);
    },
    () => 0,
  );
  const [first, second] = [host.facts("emo"), host.facts("emo")];
  await expect(first).rejects.toThrow("failed 1");
  await expect(second).rejects.toThrow("failed 1");
  await expect(host.facts("emo")).rejects.toThrow("failed 2");
});

test("a change during a look of everybody makes the next one wait for it", async () => {
  const { send, looks } = heldRoot();
  const host = rootRequests(send, () => 0);
  const before = host.everybody();
  await settle();
  await host.restore("emo", { record: 1 });
  const after = host.everybody();
  await settle();
  expect(looks).toHaveLength(1);
  looks[0]?.answer();
  expect(await before).toMatchObject([{ failed: "after 0 changes" }]);
  await settle();
  looks[1]?.answer();
  expect(await after).toMatchObject([{ failed: "after 1 changes" }]);
});
