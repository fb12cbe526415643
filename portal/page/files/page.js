/** The buttons' progress. Without this file the same forms are sent by the browser itself, and the same page comes back. */

const ASKING = "#restore, form.record";

/** The change may have been made although its answer is lost on the way, or is a page of the ingress. */
const NO_ANSWER =
  "No answer came from the host, so it is not known whether this was done. Load this page again in a few minutes before you ask again.";

document.addEventListener("submit", (event) => {
  if (!event.target.matches(ASKING)) return;
  event.preventDefault();
  void send(event.target, event.submitter ?? event.target.querySelector("button"));
});

async function send(form, button) {
  if (document.querySelector('button[aria-disabled="true"]') !== null) return;
  // Not `disabled`: that would take the focus away from whoever pressed it.
  button.setAttribute("aria-disabled", "true");
  const action = button.hasAttribute("formaction") ? button.formAction : form.action;
  const answer = document.querySelector("#answer");
  answer.replaceChildren(progress(action.endsWith("/forget") ? "Forgetting…" : form.dataset.busy));
  try {
    const body = new URLSearchParams(new FormData(form));
    const response = await fetch(action, { method: "POST", body, cache: "no-store" });
    show(answer, new DOMParser().parseFromString(await response.text(), "text/html"), form.id);
  } catch {
    answer.replaceChildren(sentence(NO_ANSWER));
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/**
 * The page that came back holds what a page without a script would show; this one takes over its two parts.
 *
 * @throws TypeError when it is no page of the portal
 */
function show(answer, page, formId) {
  const facts = page.querySelector("#facts");
  answer.replaceChildren(...(page.querySelector("#answer") ?? page.querySelector("main#main")).childNodes);
  if (facts === null) return;
  const old = document.querySelector("#facts");
  const focused = old.contains(document.activeElement) && document.activeElement.closest(ASKING) !== null;
  for (const { id } of old.querySelectorAll("details[open][id]"))
    facts.querySelector(`#${id}`)?.setAttribute("open", "");
  old.replaceWith(facts);
  if (!focused) return;
  // A form of a record may be gone; its answer is where to go on then.
  const again = formId === "" ? null : document.getElementById(formId)?.querySelector("button");
  answer.tabIndex = -1;
  (again ?? answer).focus();
}

function progress(text) {
  const line = sentence(text ?? "Bringing back your sessions…");
  line.prepend(Object.assign(document.createElement("span"), { className: "spinner", ariaHidden: "true" }));
  line.className = "card notice busy";
  return line;
}

const sentence = (text) =>
  Object.assign(document.createElement("p"), { className: "card notice bad", textContent: text });
