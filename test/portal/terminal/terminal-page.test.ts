/** Tests which requests for the page of a terminal connect by themselves, and which wait for a click. */
import { expect, test } from "vitest";
import { terminalPage } from "../../../portal/terminal/terminal-page.ts";

const stateAt = (origin: string, from: string | undefined) => {
  const { text } = terminalPage(
    { host: "devvm", origin },
    "main",
    from === undefined ? {} : { "sec-fetch-site": from },
  );
  return [/data-state="([a-z]+)"/.exec(text)?.[1], /<button[^>]*id="again"[^>]*hidden/.test(text)];
};

test.each([
  ["https://portal.example", "same-origin", "connecting"],
  ["https://portal.example", "none", "connecting"],
  ["https://portal.example", "same-site", "waiting"],
  ["https://portal.example", "cross-site", "waiting"],
  ["https://portal.example", undefined, "waiting"],
  // A browser sends the header to secure origins alone.
  ["http://portal.example", undefined, "connecting"],
  ["http://portal.example", "cross-site", "waiting"],
])("at %s a link from %s leads to a terminal that is %s", (origin, from, state) => {
  expect(stateAt(origin, from)).toEqual([state, state === "connecting"]);
});
