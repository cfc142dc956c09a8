/** Edits that still make a slip of the pen: of a name of two or three letters almost any other would be two away. */
const mostEdits = (name: string): number => (name.length <= 4 ? 1 : 2);

/** Levenshtein's distance: insertions, deletions and replacements. */
function distance(one: string, other: string): number {
  let previous = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (one[row - 1] === other[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[other.length] ?? 0;
}

/** `Aud` for `Audience`, `Iss` for `Issuer`: what the claims are called. */
const isShortened = (name: string, known: string): boolean => name.length >= 3 && known.startsWith(name);

/** The known name that was probably meant: in other letters, shortened, or one or two edits away. */
export function nearName(name: string, known: readonly string[]): string | undefined {
  const written = name.toLowerCase();
  return known.find((candidate) => {
    const meant = candidate.toLowerCase();
    // So far apart in length, the distance need not be reckoned.
    const isNear = Math.abs(meant.length - written.length) <= 2 && distance(written, meant) <= mostEdits(meant);
    return isNear || isShortened(written, meant);
  });
}
