import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestParts, Scenario } from '#libs/policy-runtime/testing';
import type { Question } from '../http-server/testing/rig.ts';

/** What of a scenario's request can be sent over HTTP. The rest (client address, scheme…) is the connection's. */
const SENDABLE: ReadonlySet<string> = new Set(['headers', 'form', 'body', 'method', 'pathSuffix', 'queryString']);

function sent({ headers = {}, form, body }: RequestParts): Pick<Question, 'headers' | 'body'> {
  const own = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, typeof values === 'string' ? values : [...values]]),
  ) as OutgoingHttpHeaders;
  if (form === undefined) return body === undefined ? { headers: own } : { headers: own, body };
  const type = { 'Content-Type': 'application/x-www-form-urlencoded;charset=UTF-8' };
  return { headers: { ...own, ...type }, body: new URLSearchParams(form).toString() };
}

/** The request of a scenario to the proxy that carries its policy. */
export function questionOf(scenario: Scenario, port: number, proxy: string): Question {
  const request = scenario.request ?? { headers: { Authorization: `Bearer ${scenario.token ?? ''}` } };
  const strange = Object.keys(request).find((member) => !SENDABLE.has(member));
  if (strange !== undefined) throw new RangeError(`a request over HTTP cannot choose ${strange}`);
  const { pathSuffix = '/7', queryString = '', method } = request;
  const hasBody = request.form !== undefined || request.body !== undefined;
  const path = `/${proxy}${pathSuffix}${queryString === '' ? '' : `?${queryString}`}`;
  return { port, path, method: method ?? (hasBody ? 'POST' : 'GET'), ...sent(request) };
}
