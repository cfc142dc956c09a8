function listed(headers: readonly string[]): ReadonlySet<string> {
  const lines = headers.filter((_, at) => at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'vary');
  return new Set(lines.flatMap((line) => line.split(',').map((name) => name.trim().toLowerCase())));
}

/** Headers of an answer (name, value, …) that depends on these request headers too (RFC 9110 section 12.5.5). */
export function withVary(headers: readonly string[], names: readonly string[]): readonly string[] {
  const known = listed(headers);
  if (known.has('*')) return headers;
  const missing = names.filter((name) => !known.has(name.toLowerCase()));
  return missing.length === 0 ? headers : [...headers, 'Vary', missing.join(', ')];
}
