import { endToEndHeaders, forwardableTrailers, headerMap, withChanges, writableReason } from './response-headers.ts';

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
    expect(forwardableTrailers(['X-Sum', '42', 'Content-Length', '1', 'Set-Cookie', 'a=b'])).toEqual(['X-Sum', '42']);
  });
});

describe('what Node would refuse to write', () => {
  const UNWRITABLE = ['X-A', 'a\u0000', 'X-B', 'b\u0141', 'X C', 'c', 'X-D', 'd\u00e9\t'];

  it('is left out of headers and trailers, line by line', () => {
    expect(endToEndHeaders(UNWRITABLE)).toEqual(['X-D', 'd\u00e9\t']);
    expect(forwardableTrailers(UNWRITABLE)).toEqual(['X-D', 'd\u00e9\t']);
  });

  it('is no reason phrase', () => {
    const phrases = ['Fine', 'caf\u00e9', '\u2713', 'a\u0001b', 'a\rb'];
    expect(phrases.map((phrase) => writableReason(phrase))).toEqual(['Fine', 'caf\u00e9', '', '', '']);
  });
});
