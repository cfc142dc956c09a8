/** Remembers the results of a pure function for its most recently new inputs, at most `limit` of them. */
export function rememberRecent<Result>(limit: number, make: (text: string) => Result): (text: string) => Result {
  const results = new Map<string, Result>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const made = make(text);
    const [oldest] = results.keys();
    if (results.size >= limit && oldest !== undefined) results.delete(oldest);
    results.set(text, made);
    return made;
  };
}
