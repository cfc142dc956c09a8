import { currentDateLine, headText, headerLine } from './answer-head.ts';

describe('the head of an answer', () => {
  it.each([
    ['a line break in a value', 200, '', ['X-A', 'b\r\nX-C: d']],
    ['a bare line feed in a value', 200, '', ['X-A', 'b\nX-C: d']],
    ['a control character in a value', 200, '', ['X-A', 'b\0']],
    ['a character that is no byte', 200, '', ['X-A', '\u20ac']],
    ['a colon in a name', 200, '', ['X-A: b', 'c']],
    ['a line break in a name', 200, '', ['X-A\r\nX-B', 'c']],
    ['no name', 200, '', ['', 'c']],
    ['a line break in the reason phrase', 200, 'OK\r\nX-A: b', []],
    ['an interim status', 100, '', []],
    ['a status of four digits', 1000, '', []],
  ] as const)('is not written with %s', (_what, status, reason, headers) => {
    expect(() => headText(status, reason, headers)).toThrow('cannot be written');
  });

  it('is known to have a Date or not, and the Date of now stands ready', () => {
    expect(headText(200, '', ['X-A', 'b'])).toEqual({
      ...{ text: 'HTTP/1.1 200 OK\r\nX-A: b\r\n', hasLength: false, hasDate: false },
    });
    const dated = { text: 'HTTP/1.1 200 Fine\r\ndate: then\r\n', hasLength: false, hasDate: true };
    expect(headText(200, 'Fine', ['date', 'then'])).toEqual(dated);
    const [, now = ''] = /^Date: (.{25} GMT)\r\n$/.exec(currentDateLine()) ?? [];
    expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000);
  });

  it('is known to have a length or not', () => {
    expect(
      [
        ['CONTENT-LENGTH', '1'],
        ['Content-Type', 'x'],
      ].map((line) => headText(200, '', line).hasLength),
    ).toEqual([true, false]);
  });

  it('has no trailer or hint either that could be read as anything else', () => {
    expect(() => headerLine('X-A', 'b\r\n')).toThrow('cannot be written');
    expect(() => headerLine('X A', 'b')).toThrow('cannot be written');
    expect(headerLine('X-A', 'caf\xe9')).toBe('X-A: caf\xe9\r\n');
  });
});
