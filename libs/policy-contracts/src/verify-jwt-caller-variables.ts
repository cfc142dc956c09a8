/**
 * Variables whose value the caller chooses: the request, `message` (the request in the request flow), the address that
 * was asked for (`proxy.url`, `proxy.pathsuffix`, …) and what is known of the caller. Claims of a verified token
 * (`jwt.*`) are its issuer's word, not the caller's.
 */
const CALLERS = /^(?:request|message|proxy|client)\./;
/** Those that every version refused as the source of a key. */
const PLAINLY_CALLERS = /^(?:request|message)\./;

export const isFromCaller = (variable: string | undefined): boolean => CALLERS.test(variable?.trim() ?? '');
export const isPlainlyFromCaller = (variable: string): boolean => PLAINLY_CALLERS.test(variable.trim());
