const AUTHORITY = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?$/;

/** The name in a Host header, for matching: lower case, without port and final dot. `undefined` when malformed. */
export function hostNameOf(authority: string): string | undefined {
  const name = AUTHORITY.exec(authority)?.[1]?.toLowerCase();
  if (name === undefined) return undefined;
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
}
