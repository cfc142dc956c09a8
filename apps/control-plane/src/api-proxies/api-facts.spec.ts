import { z } from 'zod';
import type { ApiCallFacts } from '../http/api-call.ts';
import * as proxies from './proxies/api-proxies.api.ts';
import * as endpoints from './endpoints/endpoints.api.ts';
import * as settings from './settings/settings.api.ts';

const facts: ApiCallFacts[] = [
  ...Object.values(proxies),
  ...Object.values(endpoints),
  ...Object.values(settings).flatMap(({ READ, CHANGE }) => [READ, CHANGE]),
];
const bodies = facts.flatMap(({ summary, body }) => (body === undefined ? [] : [{ summary, body }]));
const examples = bodies.flatMap(({ summary, body }) =>
  Object.entries(body.examples).map(([name, example]) => ({ summary, name, example, schema: body.schema })),
);

describe('what is said of the calls for proxies, endpoints and settings', () => {
  it.each(examples)('$summary: the example "$name" is accepted as it stands', ({ schema, example }) => {
    expect(schema.safeParse(example).error).toBeUndefined();
  });

  it.each(bodies)('$summary: the body can be shown as a JSON Schema', ({ body }) => {
    expect(z.toJSONSchema(body.schema, { io: 'input' })).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('has a summary of its own for each call', () => {
    expect(new Set(facts.map(({ summary }) => summary)).size).toBe(facts.length);
  });
});
