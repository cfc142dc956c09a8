import type { FastifyRequest } from 'fastify';
import { malformed } from './refused-request.ts';

/** Node takes the first of several and says nothing; whatever stands before the control plane may go by another. */
const GIVEN_ONCE = ['authorization', 'content-type', 'host'];

/** @throws RefusedRequest 400 for a request that its readers could understand in different ways */
export function refuseAmbiguousHeaders({ raw }: FastifyRequest): void {
  const names = raw.rawHeaders.filter((_text, index) => index % 2 === 0).map((name) => name.toLowerCase());
  const twice = GIVEN_ONCE.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined) throw malformed(`the header ${twice} is given more than once`);
  // RFC 9112 section 3.2. Node would refuse it, too, but without our envelope.
  if (raw.httpVersion === '1.1' && raw.headers.host === undefined) throw malformed('the header host is missing');
}
