/** Tells whether two of the forge's tag patterns may match the same tag. Errs towards yes: a wrong no would leave a gap. */

/**
 * The forge takes a pattern between slashes as a regular expression, which may match anything, and every other one as a
 * glob (`models/git/protected_tag.go` of Gitea and of Forgejo). Globs are compared by the text before their first
 * special character.
 */
export function mayOverlap(a: string, b: string): boolean {
  if (isExpression(a) || isExpression(b)) return true;
  const [startOfA, startOfB] = [literalStart(a), literalStart(b)];
  if (startOfA === a && startOfB === b) return a === b;
  if (startOfA === a) return a.startsWith(startOfB);
  if (startOfB === b) return b.startsWith(startOfA);
  return startOfA.startsWith(startOfB) || startOfB.startsWith(startOfA);
}

const isExpression = (pattern: string): boolean => /^\/.*\/$/s.test(pattern);

const literalStart = (pattern: string): string => /^[^*?[{\\]*/.exec(pattern)?.[0] ?? "";
