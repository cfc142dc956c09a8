import fc from 'fast-check';
import { normalisePath } from '#libs/policy-contracts';
import { compileEndpointMatcher, type MatchableEndpoint } from './endpoint-matcher.ts';
import type { LinkedRoute } from './link-route.ts';
import { PathTemplate } from './path-template.ts';

function endpoint(name: string, method = 'GET'): MatchableEndpoint {
  const template = PathTemplate.parse(name);
  if (template === undefined) throw new Error(name);
  return { template, method, route: { endpoint: name } as unknown as LinkedRoute };
}

const match = compileEndpointMatcher([
  endpoint('/users/{id}'),
  endpoint('/users/admin'),
  endpoint('/users/admin/keys', 'PUT'),
  endpoint('/files/{name}.txt'),
]);
const endpointOf = (path: string, method = 'GET'): string | undefined => {
  const found = match(method, path);
  return found.kind === 'matched' ? found.route.endpoint : found.kind;
};

describe('the endpoint of a request', () => {
  it.each([
    ['/users/7', '/users/{id}'],
    ['/users/admin', '/users/admin'],
    ['/users/admin;x=1', '/users/admin'],
    ['/users/admin%3Bx', '/users/admin'],
    ['/users;x/admin', '/users/admin'],
    ['/users/administrator', '/users/{id}'],
    ['/users/Admin', '/users/{id}'],
    ['/users/admin.', '/users/{id}'],
    ['/users/admin/', 'not-found'],
    ['/users/', 'not-found'],
    ['/users/admin/keys', 'method-not-allowed'],
    ['/users/admin/keys;x', 'method-not-allowed'],
    ['/users/a%2Fb', '/users/{id}'],
    ['/users%2F7', 'not-found'],
    ['/files/a.txt', '/files/{name}.txt'],
    ['/files/.txt', 'not-found'],
  ])('%s is %s', (path, expected) => {
    expect(endpointOf(path)).toBe(expected);
  });

  it('is the same for every spelling that normalises to the same path', () => {
    const escape = (character: string, isEscaped: boolean): string =>
      isEscaped && character !== '/' ? `%${character.charCodeAt(0).toString(16)}` : character;
    const detour = fc.constantFrom('/./', '//', '/x/../', '/%2e/', '/x/%2E./');
    const paths = fc.constantFrom('/users/admin', '/users/7', '/users/admin/keys', '/files/a.txt', '/other');
    fc.assert(
      fc.property(paths, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), detour, (path, choices, slash) => {
        const spelling = [...path].map((character, at) => escape(character, choices[at] === true)).join('');
        const at = spelling.lastIndexOf('/');
        const normal = normalisePath(`${spelling.slice(0, at)}${slash}${spelling.slice(at + 1)}`);
        expect(normal).toBe(path);
        expect(endpointOf(normal ?? '')).toBe(endpointOf(path));
      }),
    );
  });
});
