/** Reads from a request what the user has chosen: a record of sessions, sessions of it, or the name of a new one. */

import { z } from "zod";
import { newSessionName } from "../../agent/shared/terminal/protocol.ts";

export interface Choice {
  readonly record: number;
  /** Places in that record; the whole record when absent. */
  readonly sessions?: readonly number[] | undefined;
}

const MOST_SESSIONS = 500;

const place = z.coerce.number().int().min(0).max(999);
const choice = z.object({
  record: z.coerce.number().int().min(1).max(999_999_999).optional(),
  sessions: z.array(place).max(MOST_SESSIONS).optional(),
});

/**
 * From the page's form, or from JSON (`{"record": 12, "sessions": [0, 2]}`). Whatever else is in it counts for nothing.
 *
 * @returns no choice for a request that names no record; `why` for one that cannot be understood
 */
export function choiceIn(
  contentType: string,
  body: string,
): { readonly choice: Choice | undefined } | { readonly why: string } {
  const fields = isJson(contentType) ? fromJson(body) : fromForm(new URLSearchParams(body));
  const found = choice.safeParse(fields);
  if (!found.success) return { why: "The record or the sessions cannot be understood. Load the page again." };
  const { record, sessions } = found.data;
  if (record === undefined)
    return sessions === undefined ? { choice: undefined } : { why: "Sessions can only be chosen from a record." };
  if (sessions?.length === 0) return { why: "No session was chosen." };
  return { choice: { record, sessions } };
}

const newName = z.object({ name: z.union([newSessionName, z.literal("")]).optional() });

/** The name of a new session, from the form or from JSON (`{"name": "fix-42"}`); undefined where none is chosen. */
export function newNameIn(
  contentType: string,
  body: string,
): { readonly name: string | undefined } | { readonly why: string } {
  const fields = isJson(contentType) ? fromJson(body) : Object.fromEntries(new URLSearchParams(body));
  const found = newName.safeParse(fields);
  if (found.success) return { name: found.data.name || undefined };
  return { why: "A session's name must begin with a letter or digit, and have at most 32 letters, digits, - and _." };
}

/** The line that root's socket takes: digits alone beside the name of who has signed in. */
export const lineOf = (verb: "restore" | "forget", osUser: string, choice: Choice | undefined): string =>
  [verb, osUser, choice?.record, choice?.sessions?.join(",")].filter((word) => word !== undefined).join(" ");

const isJson = (contentType: string): boolean => /^application\/json\b/.test(contentType);

/** A form that lists sessions says so, since boxes that are not checked send nothing. */
const fromForm = (form: URLSearchParams) => ({
  ...(form.has("record") ? { record: form.get("record") } : {}),
  ...(form.has("record") && form.has("choose") ? { sessions: form.getAll("session") } : {}),
});

function fromJson(body: string): unknown {
  if (body.trim() === "") return {};
  try {
    const found: unknown = JSON.parse(body);
    return found;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
