import fc from 'fast-check';
import { normalisePath } from './normalise-path.ts';

describe('normalisePath', () => {
  it.each([
    ['/', '/'],
    ['/orders/7', '/orders/7'],
    ['/%7euser/%41%2d%5F', '/~user/A-_'],
    ['/a%2fb%3a', '/a%2Fb%3A'],
    ['/%252e%252E/x', '/%252e%252E/x'],
    ['/a/./b/../c', '/a/c'],
    ['/a/%2e/b/%2E%2e/c', '/a/c'],
    ['/a/b/..', '/a/'],
    ['/a/b/.', '/a/b/'],
    ['/a/..', '/'],
    ['//orders///7//', '/orders/7/'],
    ['/a/..//b', '/b'],
    ['/caf\u00e9/{x}|"', '/caf%C3%A9/%7Bx%7D%7C%22'],
    ['/\u{1f600}', '/%F0%9F%98%80'],
    ['/...', '/...'],
    ['/.well-known/x', '/.well-known/x'],
    ['/a;v=1/b', '/a;v=1/b'],
  ])('makes %j into %j', (raw, normal) => {
    expect(normalisePath(raw)).toBe(normal);
  });

  it.each([
    '',
    'orders',
    '*',
    '/..',
    '/a/../..',
    '/%2e%2e',
    '/a%00',
    '/a\u0000',
    '/a\\b',
    '/a%5Cb',
    '/%',
    '/%4',
    '/%g0',
    '/% 41',
    '/a b',
    '/a#b',
    '/a?b',
    '/a\u007f',
    '/a\ud800',
    '/%c0%ae%c0%ae/b',
    '/a%C1%9Cb',
    '/a%e0%80%af',
    '/a%F0%80%80%af',
    '/a/..;/b',
    '/a/.;x/b',
    '/a/%2e%2e%3bx/b',
    '/a/..%2fb',
    '/a/x%2f%2e%2e',
  ])('refuses %j', (raw) => {
    expect(normalisePath(raw)).toBeUndefined();
  });

  const PIECES = [
    '/',
    '.',
    '..',
    '%2e',
    '%2F',
    '%',
    'a',
    'B',
    '~',
    '%41',
    '%e9',
    '\u00e9',
    ';',
    '%3b',
    '{',
    '//',
    '%25',
  ];
  const trickyPath = fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

  it('changes nothing more when done twice', () => {
    fc.assert(
      fc.property(fc.oneof(trickyPath, fc.webPath(), fc.string({ unit: 'binary' })), (raw) => {
        const normal = normalisePath(raw);
        fc.pre(normal !== undefined);
        return normalisePath(normal) === normal;
      }),
      { numRuns: 5_000 },
    );
  });

  it('leaves no dot segment, no empty segment, no lower-case escape and nothing but path characters', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          trickyPath,
          fc.string({ unit: 'binary' }).map((text) => `/${text}`),
        ),
        (raw) => {
          const normal = normalisePath(raw);
          fc.pre(normal !== undefined);
          return (
            /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)+$/.test(normal) &&
            !/\/(?:\.|\.\.)?\/|\/\.{1,2}$/.test(normal)
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  it('gives one text for every way to write a path of unreserved characters', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_~-]{1,6}$/);
    const spelling = fc.infiniteStream(fc.constantFrom('plain', 'upper', 'lower', 'dots', 'slashes'));
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), spelling, (segments, spellings) => {
        const plain = `/${segments.join('/')}`;
        const disguised = Array.from(plain, (character) => {
          const { value } = spellings.next() as { value: string };
          if (character === '/') return { dots: '/./', slashes: '//' }[value] ?? '/';
          const escape = `%${character.charCodeAt(0).toString(16)}`;
          return { upper: escape.toUpperCase(), lower: escape }[value] ?? character;
        }).join('');
        return normalisePath(disguised) === plain;
      }),
      { numRuns: 2_000 },
    );
  });
});
