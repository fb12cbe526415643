/** Which version a stand-in says it is: the one it stands in for, told by its launcher. */

/** Without a leading `v`. The engine refuses a plugin that calls itself older than what the program asks for. */
export const standInVersion = (): string => process.env.WS_STANDIN_VERSION ?? "0.0.0";
