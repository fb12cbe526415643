/** The button's progress. Without this file the same form is sent by the browser itself, and the same page comes back. */

const form = () => document.querySelector("#restore");

document.addEventListener("submit", (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  void restore(form());
});

async function restore(asked) {
  const button = asked.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  // Not `disabled`: that would take the focus away from whoever pressed it.
  button.setAttribute("aria-disabled", "true");
  const answer = document.querySelector("#answer");
  answer.replaceChildren(progress());
  try {
    const response = await fetch(asked.action, { method: "POST", body: new URLSearchParams(), cache: "no-store" });
    show(answer, new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    answer.replaceChildren(
      sentence("The host cannot be reached. Your sessions are as they were. Try again in a minute."),
    );
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** The page that came back holds what a page without a script would show; this one takes over its two parts. */
function show(answer, page) {
  const facts = page.querySelector("#facts");
  answer.replaceChildren(...(page.querySelector("#answer") ?? page.querySelector("main")).childNodes);
  if (facts === null) return;
  const focused = form()?.contains(document.activeElement);
  document.querySelector("#facts").replaceWith(facts);
  if (focused) form()?.querySelector("button").focus();
}

function progress() {
  const line = sentence("Bringing back your sessions…");
  line.prepend(Object.assign(document.createElement("span"), { className: "spinner", ariaHidden: "true" }));
  line.className = "card notice busy";
  return line;
}

const sentence = (text) =>
  Object.assign(document.createElement("p"), { className: "card notice bad", textContent: text });
