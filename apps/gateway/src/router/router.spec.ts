import fc from 'fast-check';
import { normalisePath } from '#libs/policy-contracts';
import { NO_HEADERS, type RouteHeaders } from './header-rules.ts';
import { UnroutablePath } from './route-claim.ts';
import type { Router } from './router.ts';
import { compileRouter } from './testing/compile-router.ts';
import { proxy } from './testing/routed-proxy.ts';

/** `proxy|basePath|suffix`, or the kind of refusal. */
function found(router: Router, path: string, host = 'any.test', method = 'GET'): string {
  const outcome = router.match(host, method, path, NO_HEADERS);
  if (outcome.kind !== 'matched') return outcome.kind;
  return [outcome.proxy.artifact.proxy, outcome.basePath, outcome.pathSuffix].join('|');
}

describe('a router', () => {
  it('takes the longest base path, on segment boundaries only', () => {
    const router = compileRouter(
      [
        proxy('root', { paths: ['/'] }),
        proxy('orders', { paths: ['/orders'] }),
        proxy('returns', { paths: ['/orders/returns', '/refunds'] }),
      ],
      '',
    );
    expect(found(router, '/orders')).toBe('orders|/orders|');
    expect(found(router, '/orders/')).toBe('orders|/orders|/');
    expect(found(router, '/orders/7/x')).toBe('orders|/orders|/7/x');
    expect(found(router, '/orders/returns/7')).toBe('returns|/orders/returns|/7');
    expect(found(router, '/orders/returnsX')).toBe('orders|/orders|/returnsX');
    expect(found(router, '/refunds')).toBe('returns|/refunds|');
    expect(found(router, '/ordersX')).toBe('root||/ordersX');
    expect(found(router, '/')).toBe('root||/');
  });

  it('finds nothing where no base path fits', () => {
    const router = compileRouter([proxy('deep', { paths: ['/a/b/c'] })], '');
    expect(['/', '/a', '/a/b', '/a/b/cd', '/x'].map((path) => found(router, path))).toEqual(
      Array.from({ length: 5 }, () => 'not-found'),
    );
  });

  it('takes an exact host before a wildcard, the longest wildcard first, and any host last', () => {
    const router = compileRouter(
      [
        proxy('any', { paths: ['/'] }),
        proxy('wild', { paths: ['/'], hosts: ['*.example.org'] }),
        proxy('wilder', { paths: ['/'], hosts: ['*.eu.example.org'] }),
        proxy('exact', { paths: ['/orders'], hosts: ['A.eu.example.org'] }),
      ],
      '',
    );
    expect(found(router, '/orders', 'a.eu.example.org')).toBe('exact|/orders|');
    expect(found(router, '/other', 'a.eu.example.org')).toBe('wilder||/other');
    expect(found(router, '/orders', 'b.eu.example.org')).toBe('wilder||/orders');
    expect(found(router, '/orders', 'x.y.example.org')).toBe('wild||/orders');
    expect(found(router, '/orders', 'example.org')).toBe('any||/orders');
    expect(found(router, '/orders', 'badexample.org')).toBe('any||/orders');
  });

  it('tells proxies of one path apart by method and lists what is allowed', () => {
    const router = compileRouter(
      [
        proxy('write', { paths: ['/a'], methods: ['PUT', 'DELETE'] }),
        proxy('read', { paths: ['/a'], methods: ['GET'] }),
      ],
      '',
    );
    expect(found(router, '/a', 'h', 'GET')).toBe('read|/a|');
    expect(found(router, '/a', 'h', 'PUT')).toBe('write|/a|');
    expect(router.match('h', 'POST', '/a/b', NO_HEADERS)).toEqual({
      kind: 'method-not-allowed',
      allowed: ['DELETE', 'GET', 'PUT'],
    });
  });

  it('wants the root context before every base path', () => {
    const router = compileRouter([proxy('root', { paths: ['/'] }), proxy('a', { paths: ['/a'] })], '/apigateway/');
    expect(found(router, '/apigateway')).toBe('root||');
    expect(found(router, '/apigateway/a/x')).toBe('a|/a|/x');
    expect(found(router, '/apigateway/b')).toBe('root||/b');
    expect(found(router, '/apigatewayX')).toBe('not-found');
    expect(found(router, '/a')).toBe('not-found');
  });

  it('reads base paths as it reads paths', () => {
    const router = compileRouter([proxy('a', { paths: ['/caf\u00e9/%7ex/'] })], '');
    expect(found(router, '/caf%C3%A9/~x/1')).toBe('a|/caf%C3%A9/~x|/1');
  });

  it('refuses a configuration with a base path that no request can have', () => {
    expect(() => compileRouter([proxy('a', { paths: ['/a/../..'] })], '')).toThrow(UnroutablePath);
  });

  it('gives a contested route to the proxy whose id sorts first, in whatever order they came', () => {
    const claimants = [
      proxy('b', { paths: ['/a', '/a/'] }),
      proxy('B', { paths: ['/a'] }),
      proxy('a', { paths: ['/%61'], hosts: [] }),
      proxy('c', { paths: ['/a'], methods: ['GET', 'PUT'] }),
      proxy('d', { paths: ['/a'], methods: ['PUT', 'POST'] }),
      proxy('e', { paths: ['/a'], hosts: ['x.test', 'y.test'] }),
      proxy('f', { paths: ['/a'], hosts: ['X.test'] }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(claimants, { minLength: claimants.length }), (order) => {
        const router = compileRouter(order, '');
        const winners = ['DELETE', 'GET', 'PUT', 'POST'].map((method) => found(router, '/a', 'any', method));
        expect(winners).toEqual(['B|/a|', 'c|/a|', 'c|/a|', 'd|/a|']);
        expect(found(router, '/a', 'x.test')).toBe('e|/a|');
        const contests = router.contests.map(({ host, path, method, keeper, loser }) =>
          [host, path, method, keeper.proxy, loser.proxy].join(' '),
        );
        expect(contests).toEqual([' /%61  B a', ' /a  B b', ' /a/  B b', ' /a PUT c d', 'X.test /a  e f']);
      }),
    );
  });

  it('has no contest where hosts, paths or methods differ', () => {
    const router = compileRouter(
      [
        proxy('a', { paths: ['/a', '/a/'], methods: ['GET'] }),
        proxy('b', { paths: ['/a'], methods: ['PUT'] }),
        proxy('c', { paths: ['/a'] }),
        proxy('d', { paths: ['/a'], hosts: ['x.test'] }),
        proxy('e', { paths: ['/a/b'] }),
      ],
      '',
    );
    expect(router.contests).toEqual([]);
  });

  describe('with header rules', () => {
    const rule = (name: string, value: string) => ({ name, value });
    const version2 = rule('X-Version', '2');
    const tenant = rule('X-Tenant', 'acme');
    const sent = (headers: Readonly<Record<string, string>>): RouteHeaders => ({
      has: (name, value) => headers[name] === value,
    });
    const by = (router: Router, headers: Readonly<Record<string, string>>, method = 'GET', path = '/a/x') => {
      const outcome = router.match('h', method, path, sent(headers));
      return outcome.kind === 'matched' ? outcome.proxy.artifact.proxy : outcome.kind;
    };
    const proxies = [
      proxy('root', { paths: ['/'] }),
      proxy('plain', { paths: ['/a'] }),
      proxy('second', { paths: ['/a'], headers: [version2] }),
      proxy('both', { paths: ['/a'], headers: [version2, tenant], methods: ['GET'] }),
    ];

    it('takes the route with the most rules that hold and that takes the method', () => {
      for (const order of [proxies, proxies.toReversed()]) {
        const router = compileRouter(order, '');
        expect(by(router, {})).toBe('plain');
        expect(by(router, { 'x-version': '3', 'x-tenant': 'acme' })).toBe('plain');
        expect(by(router, { 'x-version': '2' })).toBe('second');
        expect(by(router, { 'x-version': '2', 'x-tenant': 'acme' })).toBe('both');
        expect(by(router, { 'x-version': '2', 'x-tenant': 'acme' }, 'PUT')).toBe('second');
      }
    });

    it('takes the longest base path before it looks at headers, and finds nothing where none hold there', () => {
      const router = compileRouter(
        [proxy('root', { paths: ['/'] }), proxy('only', { paths: ['/a'], headers: [version2], methods: ['GET'] })],
        '',
      );
      expect(by(router, { 'x-version': '2' })).toBe('only');
      expect(by(router, {})).toBe('not-found');
      expect(by(router, {}, 'PUT')).toBe('not-found');
      expect(by(router, { 'x-version': '2' }, 'PUT')).toBe('method-not-allowed');
      expect(by(router, {}, 'GET', '/ab')).toBe('root');
    });

    it('asks for no header where no route of the path has rules', () => {
      const router = compileRouter(proxies.slice(0, 2), '');
      const has = (): boolean => {
        throw new Error('asked');
      };
      expect(router.match('h', 'GET', '/a', { has }).kind).toBe('matched');
    });

    it('has a contest where the rules are the same, in whatever order and case of names, and none where they differ', () => {
      const other = rule('x-tenant', 'other');
      const claimants = [
        proxy('a', { paths: ['/a'], headers: [version2, tenant] }),
        proxy('b', { paths: ['/a'], headers: [rule('x-tenant', 'acme'), version2, tenant] }),
        proxy('c', { paths: ['/a'], headers: [version2, other] }),
        proxy('d', { paths: ['/a'] }),
      ];
      const { contests } = compileRouter(claimants, '');
      expect(contests.map(({ headers, keeper, loser }) => [headers, keeper.proxy, loser.proxy])).toEqual([
        ['x-tenant: acme\nx-version: 2', 'a', 'b'],
      ]);
    });
  });

  it('is not led by names of Object’s own members', () => {
    const router = compileRouter([proxy('a', { paths: ['/a'], hosts: ['a.test'], methods: ['GET'] })], '');
    expect(found(router, '/__proto__', 'constructor')).toBe('not-found');
    expect(found(router, '/a', 'a.test', 'toString')).toBe('method-not-allowed');
  });

  it('lets no encoding trick reach another route than the plain path does', () => {
    const router = compileRouter(
      [proxy('root', { paths: ['/'] }), proxy('open', { paths: ['/api'] }), proxy('admin', { paths: ['/api/admin'] })],
      '',
    );
    const disguises: Readonly<Record<string, readonly string[]>> = {
      a: ['a', '%61'],
      d: ['d', '%64'],
      m: ['m', '%6d', '%6D'],
      i: ['i', '%69'],
      n: ['n', '%6e', '%6E'],
      '/': ['/', '//', '/./', '/%2e/', '/x/../', '/x/y/%2e%2E/../'],
    };
    const disguised = fc
      .tuple(...Array.from('/admin/', (character) => fc.constantFrom(...(disguises[character] ?? [character]))))
      .map((pieces) => `/api${pieces.join('')}keys`);
    fc.assert(
      fc.property(disguised, (raw) => {
        const path = normalisePath(raw);
        return path !== undefined && found(router, path) === 'admin|/api/admin|/keys';
      }),
      { numRuns: 2_000 },
    );
  });
});
