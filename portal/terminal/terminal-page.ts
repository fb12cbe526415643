/** Renders the page of one terminal: a bar that reports the connection, the terminal, and keys that phones lack. */

import { type Html, html } from "../page/html.ts";
import { addressOf, pageHead, type Site } from "../page/page-layout.ts";

/** The script joins the terminal to the session that the page's own address names. */
export const terminalPage = (site: Site, session: string): Html => html`<!doctype html>
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
<p id="state" role="status" data-state="connecting">Connecting…</p>
<button type="button" id="again" class="calm" hidden>Connect now</button>
</header>
<main id="screen" aria-label="Terminal"><noscript><p class="card notice bad">A terminal needs JavaScript, which this browser does not run here.</p></noscript></main>
<div id="keys" role="toolbar" aria-label="Keys that a phone lacks">
${KEYS.map(({ name, label }) => html`<button type="button" class="calm" data-key="${name}"${label === name ? html`` : html` aria-label="${label}"`}>${name}</button>`)}
</div>
</body>
</html>
`;

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
