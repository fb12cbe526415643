/** Renders what all pages share: head, signed-in user and navigation. */

import { createHash } from "node:crypto";
import { ageOf } from "../../agent/shared/facts/format.ts";
import { asset } from "./assets.ts";
import { Html, html, NOTHING } from "./html.ts";
import type { Visitor } from "./authorize-visitor.ts";

/** What the stack's configuration says of this page. */
export interface Site {
  /** The host's name. */
  readonly host: string;
  /** Scheme, host and port under which browsers find the page. */
  readonly origin: string;
  readonly codeServer?: string | undefined;
  /** Whom to ask. */
  readonly contact?: string | undefined;
}

export interface Frame {
  readonly site: Site;
  readonly title: string;
  /** Absent for somebody who is not let in. */
  readonly guest?: Visitor;
  readonly here?: "/" | "/people";
  readonly main: Html;
}

/** A file's address changes with its content, so that it may be kept by the browser. */
export const addressOf = (name: string): string =>
  `/${name}?v=${createHash("sha256").update(asset(name)).digest("hex").slice(0, 12)}`;

/** What the head of every page begins with. */
export const pageHead = ({ host }: Site, title: string): Html => html`<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<title>${title} · ${host}</title>
<link rel="stylesheet" href="${addressOf("style.css")}">
<link rel="icon" href="${addressOf("icon.svg")}">`;

export const frame = ({ site, title, guest, here, main }: Frame): Html => html`<!doctype html>
<html lang="en">
<head>
${pageHead(site, title)}
<script src="${addressOf("page.js")}" defer></script>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header>
<div class="bar">
<p class="brand"><span class="mark" aria-hidden="true"></span>Workstations <span class="host">${site.host}</span></p>
${guest === undefined ? NOTHING : html`<p class="who">${guest.name}</p>`}
${guest?.admin === true ? navigation(here) : NOTHING}
</div>
</header>
<main id="main" tabindex="-1">
${main}
</main>
<footer><div class="bar">
<p>${site.contact ?? "Questions? Ask an admin of this host."}</p>
<p>The same in your terminal: <code>ws-me</code></p>
</div></footer>
</body>
</html>
`;

const navigation = (here: Frame["here"]): Html => {
  const link = (to: "/" | "/people", name: string) =>
    here === to
      ? html`<li><a href="${to}" aria-current="page">${name}</a></li>`
      : html`<li><a href="${to}">${name}</a></li>`;
  return html`<nav aria-label="Pages"><ul>${[link("/", "Mine"), link("/people", "Everybody")]}</ul></nav>`;
};

/** @example ago(undefined, now).text === "never" */
export const ago = (atMs: number | undefined, nowMs: number): Html =>
  atMs === undefined
    ? new Html("never")
    : html`<time datetime="${new Date(atMs).toISOString()}">${ageOf(nowMs - atMs)} ago</time>`;
