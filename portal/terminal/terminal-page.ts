/** Renders the page of one terminal: a bar that reports the connection, the terminal, and keys that phones lack. */

import type { IncomingHttpHeaders } from "node:http";
import { type Html, html } from "../page/html.ts";
import { addressOf, pageHead, type Site } from "../page/page-layout.ts";

/**
 * A link on another page must not attach to a session and take the focus, so that what is typed next goes into it.
 * Browsers send the header to secure origins alone; where they do not, nothing tells where a link was.
 */
const isAskedFor = ({ origin }: Site, { "sec-fetch-site": from }: IncomingHttpHeaders): boolean =>
  from === undefined ? !origin.startsWith("https:") : from === "same-origin" || from === "none";

/**
 * The script joins the terminal to the session that the page's own address names.
 *
 * @param headers of the request for the page: one that another page led to waits for a click
 */
export const terminalPage = (site: Site, session: string, headers: IncomingHttpHeaders): Html => html`<!doctype html>
<html lang="en">
<head>
${pageHead(site, session)}
<link rel="stylesheet" href="${addressOf("terminal.css")}">
<script src="${addressOf("terminal.js")}" defer></script>
</head>
<body class="terminal">
<header>
<p class="back"><a href="/">Your workstation</a></p>
<h1 class="name">${session}</h1>
${isAskedFor(site, headers) ? CONNECTING : WAITING}
</header>
<main id="screen" aria-label="Terminal"><noscript><p class="card notice bad">A terminal needs JavaScript, which this browser does not run here.</p></noscript></main>
<div id="keys" role="toolbar" aria-label="Keys that a phone lacks">
${KEYS.map(({ name, label }) => html`<button type="button" class="calm" data-key="${name}"${label === name ? html`` : html` aria-label="${label}"`}>${name}</button>`)}
</div>
</body>
</html>
`;

const CONNECTING = html`<p id="state" role="status" data-state="connecting">Connecting…</p>
<button type="button" id="again" class="calm" hidden>Connect now</button>`;

const WAITING = html`<p id="state" role="status" data-state="waiting">Not connected, since a link elsewhere led here</p>
<button type="button" id="again" class="calm">Connect now</button>`;

/** The script knows what each of them types. */
const KEYS: readonly { readonly name: string; readonly label: string }[] = [
  ...["Esc", "Tab"].map((name) => ({ name, label: name })),
  { name: "Ctrl", label: "Ctrl" },
  { name: "←", label: "Left" },
  { name: "↑", label: "Up" },
  { name: "↓", label: "Down" },
  { name: "→", label: "Right" },
  { name: "|", label: "Vertical bar" },
  { name: "/", label: "Slash" },
  { name: "-", label: "Hyphen" },
  { name: "Paste", label: "Paste" },
];
