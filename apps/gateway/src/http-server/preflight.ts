import type { LinkedProxy } from '#libs/policy-runtime';
import type { UncertainHeaders } from '../router/header-rules.ts';
import type { Router } from '../router/router.ts';
import { commonCors, preflightAnswer, preflightOf, type Preflight } from '../cors/cors.ts';
import type { ReadyAnswer } from './fault-answer.ts';
import type { RequestHead } from './request-head.ts';

/** Headers that a page may set without a word about them in the preflight (Fetch standard, CORS-safelisted). */
const UNANNOUNCED: ReadonlySet<string> = new Set(
  'accept accept-language content-language content-type range'.split(' '),
);

/** A browser names headers of the request to come, some at least, and never their values: each may have any. */
function headersToCome({ headers }: RequestHead, preflight: Preflight): UncertainHeaders {
  const isOpen = (name: string) => UNANNOUNCED.has(name) || preflight.headers.includes(name);
  return {
    certain: { has: (name, value) => !isOpen(name) && headers.has(name, value) },
    possible: { has: (name, value) => isOpen(name) || headers.has(name, value) },
  };
}

export interface AnsweredPreflight {
  readonly proxy: LinkedProxy;
  readonly answer: ReadyAnswer;
}

/**
 * The answer to a preflight, given before any policy: it comes without credentials. It is looked for where the request
 * to come may go, then where an OPTIONS goes. Where header rules leave several proxies, it permits what all of them do:
 * the settings of one must not open another. Undefined when the request is none, or is for proxies without CORS
 * settings: there OPTIONS is a method like any other.
 */
export function findPreflight(router: Router, head: RequestHead): AnsweredPreflight | undefined {
  const preflight = preflightOf(head);
  if (preflight === undefined) return undefined;
  const headers = headersToCome(head, preflight);
  for (const method of [preflight.method, head.method]) {
    const reachable = router.reachable(head.hostName, method, head.path, headers);
    const proxy = reachable.find(({ artifact }) => artifact.cors !== undefined);
    if (proxy === undefined) continue;
    const common = commonCors(reachable.map(({ artifact }) => artifact.cors));
    return { proxy, answer: preflightAnswer(common, preflight) };
  }
  return undefined;
}
