/** INV-44: whatever form a secret comes back in, it is not shown. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { redactor } from "../../../providers/http/redact.ts";

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

test("a foreign text becomes one short line that commands nothing", () => {
  const shown = redactor([])(`red \u001b[31m\r\n::set-env name=x\u202e ${"long ".repeat(200)}`);
  expect(shown).toMatch(/^red \[31m ::set-env name=x long/);
  expect(shown.length).toBeLessThanOrEqual(301);
  expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});
