import { describe, expect, it } from '@jest/globals';
import { withoutIgnored } from './vendor-members.ts';

describe('members of the vendor that mean nothing here', () => {
  it('are left out and named, wherever they stand', () => {
    const body = { name: 'a', reParse: true, route: { buffer: 1, path: '/' }, list: [{ x: 1, keep: 2 }, { keep: 3 }] };
    expect(withoutIgnored(body, ['reParse', 'route.buffer', 'list[].x'])).toEqual({
      body: { name: 'a', route: { path: '/' }, list: [{ keep: 2 }, { keep: 3 }] },
      warnings: [
        { field: 'reParse', message: 'reParse has no effect here' },
        { field: 'route.buffer', message: 'route.buffer has no effect here' },
        { field: 'list[0].x', message: 'list[0].x has no effect here' },
      ],
    });
  });

  it.each([[undefined], [null], ['text'], [[1]], [{ route: null, list: 'text' }]])(
    'are looked for in %j without harm',
    (body) => {
      expect(withoutIgnored(body, ['reParse', 'route.buffer', 'list[].x'])).toEqual({ body, warnings: [] });
    },
  );

  it('stay unknown when nobody listed them', () => {
    expect(withoutIgnored({ secret: 1 }, ['reParse']).body).toEqual({ secret: 1 });
  });
});
