import type { LinkedProxy } from '#libs/policy-runtime';
import type { RouteHeaders } from '../router/header-rules.ts';
import type { Router } from '../router/router.ts';
import { preflightAnswer, preflightOf, type Preflight } from './cors.ts';
import type { ReadyAnswer } from './fault-answer.ts';
import type { RequestHead } from './request-head.ts';

/** A browser names the headers of the request to come but not their values, so a name stands for any value. */
function announcedHeaders({ headers }: RequestHead, preflight: Preflight): RouteHeaders {
  return { has: (name, value) => headers.has(name, value) || preflight.headers.includes(name) };
}

export interface AnsweredPreflight {
  readonly proxy: LinkedProxy;
  readonly answer: ReadyAnswer;
}

/**
 * The answer to a preflight, given before any policy: it comes without credentials. It is looked for where the request
 * to come would go, then where an OPTIONS goes. Undefined when the request is none, or is for a proxy without CORS
 * settings: there OPTIONS is a method like any other.
 */
export function findPreflight(router: Router, head: RequestHead): AnsweredPreflight | undefined {
  const preflight = preflightOf(head);
  if (preflight === undefined) return undefined;
  const headers = announcedHeaders(head, preflight);
  for (const method of [preflight.method, head.method]) {
    const match = router.match(head.hostName, method, head.path, headers);
    if (match.kind !== 'matched') continue;
    const { proxy } = match;
    if (proxy.artifact.cors !== undefined) return { proxy, answer: preflightAnswer(proxy.artifact.cors, preflight) };
  }
  return undefined;
}
