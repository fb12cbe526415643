/** The page of one terminal: draws it, sends what is typed, and says how the connection stands. */

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { adoptStyles } from "./adopt-styles.js";
import { checkOf, keepConnected } from "./connection.ts";
import { isReport, messagesOf, pastedText, titleText, withControl } from "./input.ts";
import { reducedSize } from "./terminal-size.ts";
import { DARK, LIGHT } from "./themes.js";
import "./terminal.css";

/** Drawn output is reported in steps, so that a long listing does not send thousands of messages. */
const REPORT_BYTES = 32 * 1024;

const session = new URLSearchParams(location.search).get("session") ?? "";
const state = document.querySelector("#state");
const again = document.querySelector("#again");
const screen = document.querySelector("#screen");
const dark = matchMedia("(prefers-color-scheme: dark)");

adoptStyles();
const terminal = new Terminal({
  fontFamily: 'ui-monospace, "Cascadia Mono", "Noto Sans Mono", Menlo, "DejaVu Sans Mono", monospace',
  fontSize: matchMedia("(max-width: 40rem)").matches ? 12 : 14,
  // With less, the underscore of some fonts is cut off.
  lineHeight: 1.2,
  theme: dark.matches ? DARK : LIGHT,
  // What a program draws in one colour on another is readable in both themes.
  minimumContrastRatio: 4.5,
  // tmux keeps the history; its own copy mode and the wheel scroll through it.
  scrollback: 0,
  macOptionIsMeta: true,
  // As Shift does elsewhere: the mouse belongs to tmux, and nothing else would select text there.
  macOptionClickForcesSelection: true,
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.open(screen);
fillScreen();
dark.addEventListener("change", () => {
  terminal.options.theme = dark.matches ? DARK : LIGHT;
});

function fillScreen() {
  const wanted = fit.proposeDimensions();
  const reduced = wanted && reducedSize(wanted);
  if (reduced === undefined) fit.fit();
  else terminal.resize(reduced.cols, reduced.rows);
}

let drawn = 0;
const connection = keepConnected({
  open,
  check,
  show,
  output(data, isFirst) {
    // What a lost connection has left half-done, such as a mode of the mouse.
    if (isFirst) {
      terminal.reset();
      drawn = 0;
    }
    terminal.write(data, () => {
      drawn += data.length;
      if (drawn < REPORT_BYTES) return;
      connection.send(JSON.stringify({ drawn }));
      drawn = 0;
    });
  },
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (timer) => clearTimeout(timer),
  random: Math.random,
});

function open(events) {
  const address = new URL("/terminal/socket", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = String(new URLSearchParams({ session, cols: terminal.cols, rows: terminal.rows }));
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => (typeof data === "string" ? events.text(data) : events.bytes(new Uint8Array(data)));
  socket.onclose = ({ code }) => events.closed(code);
  return {
    send: (data) => socket.readyState === WebSocket.OPEN && socket.send(data),
    close: () => socket.close(),
  };
}

async function check(signal) {
  try {
    const response = await fetch(location.href, { method: "HEAD", redirect: "manual", cache: "no-store", signal });
    return checkOf(response);
  } catch {
    return "away";
  }
}

const TEXTS = {
  connecting: () => "Connecting…",
  attached: () => "Connected",
  dropped: ({ inMs, why }) => `${why ?? "Disconnected"}, trying again in ${Math.max(1, Math.round(inMs / 1000))} s`,
  ended: () => "This session has ended, or you have detached from it.",
  missing: () => "This session does not run. Restore it on your workstation's page, then connect.",
  refused: ({ why }) => why,
};

function show(now) {
  state.dataset.state = now.is;
  state.textContent = TEXTS[now.is](now);
  again.hidden = now.is === "connecting" || now.is === "attached";
  if (now.is === "attached") terminal.focus();
}

let controlHeld = false;
const holdControl = (held) => {
  controlHeld = held;
  keyOf("Ctrl").setAttribute("aria-pressed", String(held));
};
const keyOf = (name) => document.querySelector(`[data-key="${name}"]`);

function type(data) {
  const isWithControl = controlHeld && !isReport(data);
  const typed = isWithControl ? (withControl(data) ?? data) : data;
  if (isWithControl) holdControl(false);
  for (const message of messagesOf(typed)) connection.send(message);
}
terminal.onData(type);
// Old forms of the mouse's reports, which are no text.
terminal.onBinary((data) => connection.send(Uint8Array.from(data, (byte) => byte.charCodeAt(0))));
terminal.onResize(({ cols, rows }) => connection.send(JSON.stringify({ resize: { cols, rows } })));
terminal.onTitleChange((title) => {
  document.title = [titleText(title), session].filter((text) => text !== "").join(" · ");
});

function paste(text) {
  // Ctrl is for a key: a paste of one letter is that letter.
  holdControl(false);
  terminal.paste(pastedText(text));
}
screen.addEventListener(
  "paste",
  (event) => {
    event.preventDefault();
    event.stopPropagation();
    paste(event.clipboardData?.getData("text/plain") ?? "");
  },
  true,
);
terminal.attachCustomKeyEventHandler((event) => {
  const isCopy = event.ctrlKey && event.shiftKey && event.code === "KeyC" && terminal.hasSelection();
  if (!isCopy) return true;
  event.preventDefault();
  if (event.type === "keydown") void navigator.clipboard?.writeText(terminal.getSelection());
  return false;
});

const arrow = (letter) => () => (terminal.modes.applicationCursorKeysMode ? `\x1bO${letter}` : `\x1b[${letter}`);
const ARROWS = { "←": arrow("D"), "↑": arrow("A"), "↓": arrow("B"), "→": arrow("C") };
const PLAIN = { Esc: "\x1b", Tab: "\t", "|": "|", "/": "/", "-": "-" };
keyOf("Ctrl").setAttribute("aria-pressed", "false");
// A browser lends the clipboard to a page of a secure origin alone.
keyOf("Paste").hidden = navigator.clipboard?.readText === undefined;
const keys = document.querySelector("#keys");
// The phone's own keyboard is to stay open.
keys.addEventListener("pointerdown", (event) => event.preventDefault());
keys.addEventListener("click", (event) => {
  const key = event.target.closest("button")?.dataset.key;
  if (key === undefined) return;
  if (key === "Ctrl") holdControl(!controlHeld);
  else if (key === "Paste") navigator.clipboard.readText().then(paste, () => undefined);
  else terminal.input(ARROWS[key]?.() ?? PLAIN[key]);
  terminal.focus();
});

again.addEventListener("click", () => connection.retryNow());
addEventListener("online", () => state.dataset.state === "dropped" && connection.retryNow());
new ResizeObserver(fillScreen).observe(screen);
if (state.dataset.state !== "waiting") connection.start();
