/**
 * On every answer, whoever gives it. Answers are data for programs: no browser may guess what they are, run anything in
 * them, show them in a frame, keep them or hand them to another site. What is a page, or may be kept, says so itself.
 *
 * No Strict-Transport-Security: here is plain HTTP, where it has no meaning (RFC 6797 section 7.2); whoever ends TLS in
 * front of it sets it. No Access-Control-*: no other site is meant to ask.
 */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;
