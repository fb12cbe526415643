/** Which requests a page of the server's own origin made, by all that browsers send and some that no browser would. */
import { expect, test } from "vitest";
import { isOfOwnPage, isSafeMethod } from "../../../clients/http/browser-origin-headers.ts";
import { ORIGIN_CASES, OWN_ORIGIN } from "./origin-cases.ts";

test.each(ORIGIN_CASES)("$name: own page $own", ({ headers, own }) => {
  const rawHeaders = ["Host", "code.site.test", ...headers.flat()];
  expect(isOfOwnPage(rawHeaders, (origin) => origin === OWN_ORIGIN)).toBe(own);
});

test("a value that looks like a header's name is none", () => {
  expect(isOfOwnPage(["X-Any", "origin", "X-Other", OWN_ORIGIN], () => true)).toBe(false);
});

test("whatever is not known to change nothing may change something", () => {
  expect(["GET", "HEAD", "OPTIONS"].map(isSafeMethod)).toEqual([true, true, true]);
  expect(["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "get", "", undefined].map(isSafeMethod)).not.toContain(true);
});
