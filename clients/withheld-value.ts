/** Recognises the engine's wire forms of a value that is secret or not known yet. */

/** The engine's wire form of a secret carries this key. */
const SECRET_MARK = "4dabf18193072939515e22adb298388d";
/** What the engine writes where a value is not known before an update. */
const UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether the value is a secret, or will be known only when it is made. */
export const isWithheld = (value: unknown): boolean =>
  value === UNKNOWN_VALUE || (typeof value === "object" && value !== null && Object.hasOwn(value, SECRET_MARK));
