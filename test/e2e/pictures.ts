/** Keeps what a test's browser shows, for the eye and the docs: pictures and texts, in the folder that `WS_SCREENSHOTS` names. */

import { mkdirSync, writeFileSync } from "node:fs";
import type { Page } from "playwright-core";

/** Nothing is kept without it. */
const FOLDER = process.env.WS_SCREENSHOTS;

/** @param name of the file, without `.png` */
export async function picture(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  if (FOLDER !== undefined) await page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage });
}

/** @param name of the file, without `.txt` */
export function keepText(name: string, text: string): void {
  if (FOLDER === undefined) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${name}.txt`, text);
}
