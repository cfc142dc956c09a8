import type { ClientRequest } from './client-exchange.ts';
import { DEFAULT_LIMITS } from './request-limits.ts';
import { readRequestHead } from './request-head.ts';

const asked = (target: string): ClientRequest => ({
  connection: { peerAddress: '192.0.2.1', isEncrypted: false },
  method: 'GET',
  target,
  httpVersion: '2.0',
  rawHeaders: ['host', 'a.test'],
  body: undefined,
  awaitsContinue: false,
});

describe('the target of a request whose parser lets everything through', () => {
  it.each(['/\u00e9', '/p?\u00e9', '/a b', '/p?a b', '/p?\u0000', '/p?a\r\nb', '/p?\u007f'])(
    '%j is a 400',
    (target) => {
      expect(readRequestHead(asked(target), DEFAULT_LIMITS)).toMatchObject({ ok: false });
    },
  );

  it('is taken as it is otherwise', () => {
    expect(readRequestHead(asked("/p;v=1?a=[b]&c='%e9'"), DEFAULT_LIMITS)).toMatchObject({
      ok: true,
      head: { path: '/p;v=1', queryString: "a=[b]&c='%e9'" },
    });
  });
});
