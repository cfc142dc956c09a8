import type { ArtifactCors } from '#libs/policy-contracts';
import { preflightAnswer } from '../../cors/cors.ts';
import { preflightIn } from '../browser/browser-rules.ts';
import { methodNotAllowed, refusalAnswer, type OAuthRefusal } from '../protocol/oauth-refusal.ts';
import type { TokenHttpRequest, TokenHttpResponse } from '../protocol/token-http.ts';

/** What anybody may read and keep for a while. */
export interface PublicDocument {
  readonly kind: 'document';
  readonly contentType: string;
  readonly maxAgeSeconds: number;
  /** Request headers that it depends on. */
  readonly variesBy: readonly string[];
  readonly body: string;
}

/** Scripts of other origins included (Fetch standard, section 3.2). */
const FOR_ALL_ORIGINS = ['Access-Control-Allow-Origin', '*'] as const;
const READING: ArtifactCors = {
  allowOrigins: ['*'],
  allowCredentials: false,
  allowMethods: ['GET', 'HEAD'],
  allowHeaders: ['*'],
  exposeHeaders: [],
};

const readableRefusal = (refusal: OAuthRefusal): TokenHttpResponse =>
  refusalAnswer({ ...refusal, headers: [...refusal.headers, FOR_ALL_ORIGINS] });

/** The answer to whatever is asked at the place of a public document. */
export function publicAnswer(request: TokenHttpRequest, read: () => PublicDocument | OAuthRefusal): TokenHttpResponse {
  const preflight = preflightIn(request);
  if (preflight !== undefined) return preflightAnswer(READING, preflight);
  if (request.method !== 'GET' && request.method !== 'HEAD') return readableRefusal(methodNotAllowed('GET, HEAD'));
  const document = read();
  if (document.kind === 'refused') return readableRefusal(document);
  const headers: [string, string][] = [
    ['Content-Type', document.contentType],
    ['Cache-Control', `public, max-age=${document.maxAgeSeconds}`],
    [...FOR_ALL_ORIGINS],
  ];
  if (document.variesBy.length > 0) headers.push(['Vary', document.variesBy.join(', ')]);
  return { status: 200, headers, body: document.body };
}
