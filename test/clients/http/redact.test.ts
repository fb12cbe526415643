/** Whatever form a secret comes back in, it is not shown. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { redactor } from "../../../clients/http/redact.ts";

const secret = fc
  .string({ minLength: 8, maxLength: 40, unit: "binary" })
  .filter((text) => !/\p{Cs}/u.test(text) && text.trim().length >= 8);

test("no form of a secret that a server may repeat comes through", () => {
  fc.assert(
    fc.property(secret, fc.string(), (value, around) => {
      const forms = [
        value,
        encodeURIComponent(value),
        JSON.stringify(value).slice(1, -1),
        Buffer.from(value).toString("base64"),
      ];
      const shown = redactor([value])(`${around}${forms.join("|")}`);
      for (const form of forms) expect(shown.includes(form) && !around.includes(form)).toBe(false);
    }),
  );
});

test.each([
  ["Xy7&kP2<qR9>zT4&m", String.raw`{"p":"Xy7\u0026kP2\u003cqR9\u003ezT4\u0026m"}`, '{"p":"[secret]"}'],
  ["ab!cd'ef(gh)ij*kl mn", "p=ab%21cd%27ef%28gh%29ij%2Akl+mn&q", "p=[secret]&q"],
  ["ab/cd:ef/gh@ij", "https://x.test/ab%2fcd%3aef%2fgh%40ij/z", "https://x.test/[secret]/z"],
])("no form of Go's comes through: %s", (value, text, shown) => {
  expect(redactor([value])(text)).toBe(shown);
});

test("base64 of a secret is not shown whatever stands before it, nor its hexadecimal form", () => {
  const value = "token-of-the-reader";
  for (const before of ["", "a", "ab", "abc", "ops:"]) {
    const shown = redactor([value])(Buffer.from(`${before}${value}`).toString("base64"));
    expect(Buffer.from(shown.replaceAll("[secret]", ""), "base64").toString("latin1")).not.toMatch(/token|reader/);
  }
  expect(redactor([value])(Buffer.from(`x${value}`).toString("hex"))).toBe("78[secret]");
});

test("no eight characters in a row of a secret come through, wherever they stand and whatever blanks lie between", () => {
  const word = fc.string({ minLength: 12, maxLength: 60, unit: fc.constantFrom(..."abcdefgh0123456789/+ _-") });
  fc.assert(
    fc.property(word, fc.nat(), fc.nat(40), (value, start, length) => {
      const at = start % (value.length - 8);
      const piece = value.slice(at, at + 8 + length);
      const shown = redactor([value])(`it says <${piece}> and <${piece.replaceAll(" ", " \n ")}>.`);
      const left = Array.from({ length: piece.length - 7 }, (_, i) => piece.slice(i, i + 8));
      expect(left.filter((part) => shown.includes(part) && !"it says [secret] and [secret].".includes(part))).toEqual(
        [],
      );
    }),
  );
});

test("a redactor that hid whole secrets alone would let a piece through", () => {
  const naive = (text: string) => text.split("0123456789abcdef").join("[secret]");
  expect(naive("token 0123456789 is not valid")).toContain("0123456789");
  expect(redactor(["0123456789abcdef"])("token 0123456789 is not valid")).toBe("token [secret] is not valid");
});

test("a foreign text becomes one short line that commands nothing", () => {
  const shown = redactor([])(`red \u001b[31m\r\n::set-env name=x\u202e ${"long ".repeat(200)}`);
  expect(shown).toMatch(/^red \[31m ::set-env name=x long/);
  expect(shown.length).toBeLessThanOrEqual(301);
  expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
