import { forwardableTrailers, headerMap, withChanges } from './response-headers.ts';

const HEADERS = ['Set-Cookie', 'a=1', 'X-One', '1', 'set-cookie', 'b=2', 'Content-Length', '5'];

describe('headers after the response policies', () => {
  it('are as they were when nothing was changed', () => {
    expect(withChanges(HEADERS, headerMap(HEADERS))).toEqual(HEADERS);
  });

  it('show what was set, added and removed, and keep the framing', () => {
    const changed = headerMap(HEADERS);
    changed.set('x-one', 'uno').set('x-new', 'n').set('content-length', '99').set('connection', 'close');
    changed.delete('set-cookie');
    expect(withChanges(HEADERS, changed)).toEqual(['Content-Length', '5', 'x-one', 'uno', 'x-new', 'n']);
  });
});

describe('trailers', () => {
  it('that would change framing or meaning of the head are left out', () => {
    expect(forwardableTrailers(['X-Sum', '42', 'Content-Length', '1', 'Set-Cookie', 'a=b'])).toEqual([['X-Sum', '42']]);
  });
});
