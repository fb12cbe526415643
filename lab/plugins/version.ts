/**
 * Returns the version that an emulated plugin reports: the one of the official plugin that it replaces, set by its
 * launcher.
 */

/** Without a leading `v`. The engine refuses a plugin that calls itself older than what the program asks for. */
export const standInVersion = (): string => process.env.WS_STANDIN_VERSION ?? "0.0.0";
