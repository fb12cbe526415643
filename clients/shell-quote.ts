/** Quotes one word for a POSIX shell. */

/** The word in single quotes, so that the shell passes every character of it on unchanged. */
export const shellQuoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
