/** What becomes of `~/.git-credentials` when a token arrives. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { withCredential } from "../../../../agent/user/home/git-credentials.ts";

const mine = { forge: "http://10.0.0.2:3000", login: "ebarzin", token: "abc/123" };
const LINE = "http://ebarzin:abc%2F123@10.0.0.2:3000";

test("an empty file gets the one line, as git's store helper reads it", () => {
  expect(withCredential("", mine)).toBe(`${LINE}\n`);
});

test("a former token of the same forge is replaced, whoever it was for; other places keep their lines", () => {
  const before =
    "https://me:mine@elsewhere.example\nhttp://ebarzin:old@10.0.0.2:3000\nhttp://x:y@10.0.0.2\nno address at all\n";
  expect(withCredential(before, mine)).toBe(
    `${LINE}\nhttps://me:mine@elsewhere.example\nhttp://x:y@10.0.0.2\nno address at all\n`,
  );
});

test("doing it again changes nothing", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const once = withCredential(text, mine);
      expect(withCredential(once, mine)).toBe(once);
    }),
  );
});
