/**
 * Lets the terminal's library set its styles under a policy that allows no inline style: a `<style>` that it creates hands
 * its text to a constructed style sheet, and a `style` attribute is set as a property, as scripts may do at any time.
 */
export function adoptStyles() {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  const create = document.createElement.bind(document);
  document.createElement = (name, options) => {
    // Even an empty `<style>` would be reported as a breach of the policy.
    const element = create(name === "style" ? "template" : name, options);
    if (name === "style") divert(element);
    return element;
  };
}

function divert(element) {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  Object.defineProperty(element, "textContent", { set: (text) => sheet.replaceSync(text) });
  const remove = element.remove.bind(element);
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((other) => other !== sheet);
    remove();
  };
}
