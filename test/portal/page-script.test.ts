/** Runs the script of the portal's own page with a small document: what it shows of an answer that is lost on the way. */
import { expect, test } from "vitest";
import { asset } from "../../portal/page/assets.ts";

/** @returns what stands in the place for answers once the button was pressed */
async function press(fetched: () => Promise<{ text(): Promise<string> }>): Promise<string> {
  let shown = "";
  let submit: (event: object) => void = () => undefined;
  const answer = { replaceChildren: (line: { textContent: string }) => (shown = line.textContent) };
  const document = {
    addEventListener: (_: string, run: typeof submit) => (submit = run),
    querySelector: (selector: string) => (selector === "#answer" ? answer : null),
    createElement: () => ({ prepend: () => undefined }),
  };
  /** A page of something before the portal has none of the portal's parts. */
  const foreign = { querySelector: () => null };
  const parser = class {
    parseFromString = () => foreign;
  };
  const names = ["document", "fetch", "DOMParser", "FormData"];
  new Function(...names, asset("page.js"))(document, fetched, parser, Map);
  let pressed: () => void = () => undefined;
  const done = new Promise<void>((resolve) => (pressed = resolve));
  const button = { setAttribute: () => undefined, hasAttribute: () => false, removeAttribute: () => pressed() };
  const form = { matches: () => true, action: "https://lobby.example/restore", dataset: {}, id: "restore" };
  submit({ target: form, submitter: button, preventDefault: () => undefined });
  await done;
  return shown;
}

test.each([
  ["nothing", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["an error page of the ingress", () => Promise.resolve({ text: () => Promise.resolve("<h1>504 Gateway Time-out") })],
])("a button whose answer is %s says that the change may have been made", async (_, fetched) => {
  expect(await press(fetched)).toContain("it is not known whether this was done");
});
