/** Which requests a page of the server's own origin made, by all that browsers send and some that no browser would. */
import { expect, test } from "vitest";
import { isOfForeignPage, isOfOwnPage, isSafeMethod } from "../../../clients/http/browser-origin-headers.ts";
import { ORIGIN_CASES, OWN_ORIGIN } from "./origin-cases.ts";

test.each(ORIGIN_CASES)("$name: own page $own", ({ headers, own }) => {
  const rawHeaders = ["Host", "code.site.test", ...headers.flat()];
  expect(isOfOwnPage(rawHeaders, (origin) => origin === OWN_ORIGIN)).toBe(own);
});

test("a value that looks like a header's name is none", () => {
  expect(isOfOwnPage(["X-Any", "origin", "X-Other", OWN_ORIGIN], () => true)).toBe(false);
});

test.each([
  ["an address that was typed", ["none", "navigate", "document"], false],
  ["a link of its own", ["same-origin", "navigate", "document"], false],
  ["a fetch of its own", ["same-origin", "cors", "empty"], false],
  ["a link elsewhere", ["cross-site", "navigate", "document"], false],
  ["an image of a sibling's", ["same-site", "no-cors", "image"], true],
  ["a fetch of another site's", ["cross-site", "no-cors", "empty"], true],
  ["a frame of another site's", ["cross-site", "navigate", "iframe"], true],
  ["one that says its site alone", ["same-site"], true],
])("%s is another page's part: %j %s", (_, values, foreign) => {
  const names = ["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"];
  const rawHeaders = values.flatMap((value, at) => [names[at] ?? "", value]);
  expect(isOfForeignPage(["Host", "code.site.test", ...rawHeaders])).toBe(foreign);
});

test("a browser or program that says nothing of a page, or says it twice", () => {
  expect(isOfForeignPage(["Host", "code.site.test"])).toBe(false);
  expect(isOfForeignPage(["Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"])).toBe(true);
});

test("whatever is not known to change nothing may change something", () => {
  expect(["GET", "HEAD", "OPTIONS"].map(isSafeMethod)).toEqual([true, true, true]);
  expect(["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "", undefined].map(isSafeMethod)).not.toContain(true);
});
