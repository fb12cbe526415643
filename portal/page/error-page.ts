/** Renders an error page: what was refused, why, and whom to ask. */

import { frame, type Site } from "./page-layout.ts";
import { type Html, html } from "./html.ts";

export function errorPage(site: Site, status: number, why: string): Html {
  const title = TITLES.get(status) ?? "That did not work";
  const main = html`<section class="card notice bad"><h1>${title}</h1><p>${why}</p><p><a href="/">To your workstation</a></p></section>`;
  return frame({ site, title, main });
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, "Not understood"],
  [403, "Not allowed"],
  [404, "Not found"],
  [405, "Not like that"],
  [409, "Parked"],
  [413, "Too much"],
  [415, "Not like that"],
  [424, "No terminals"],
  [429, "Too often"],
]);
