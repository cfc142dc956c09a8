import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { RunningControlPlane } from './testing/running-control-plane.ts';

/**
 * The calls of the contract's part 4, as its tables write them; `P` is `/apiops/projects/{projectName}`, `X` is
 * `P/apiProxies/{apiProxyName}`. Each must be served, and be named in the title of a test. No call is left out.
 */
const CONTRACT: Readonly<Record<string, readonly string[]>> = {
  '4, OpenAPI': ['GET /apiops/openapi', 'GET /apiops/docs'],
  '4, tokens': [
    ...['POST /apiops/tokens/', 'GET /apiops/tokens/', 'DELETE /apiops/tokens/{name}/'],
    'POST /apiops/auth/token',
  ],
  '4.1': [
    ...['GET X/policies/', 'GET X/policies/{policyName}/', 'POST X/policies/{policyName}/'],
    ...['PUT X/policies/{policyName}/', 'DELETE X/policies/{policyName}/'],
  ],
  '4.2, projects': ['GET /apiops/projects/', 'POST /apiops/projects/', 'DELETE /apiops/projects/{p}/'],
  '4.2, environments': [
    ...['GET /apiops/environments/', 'POST /apiops/environments/', 'GET /apiops/environments/{env}/'],
    ...['PUT /apiops/environments/{env}/', 'DELETE /apiops/environments/{env}/', 'GET P/environments/'],
  ],
  '4.2, gateway keys': [
    ...['POST /apiops/environments/{env}/keys/', 'GET /apiops/environments/{env}/keys/'],
    'DELETE /apiops/environments/{env}/keys/{keyId}/',
  ],
  '4.2, proxies': [...['GET P/apiProxies/', 'POST P/apiProxies/url/', 'PUT P/apiProxies/url/', 'GET X/', 'DELETE X/']],
  '4.2, endpoints': [
    ...['GET X/endpoints/', 'POST X/endpoints/', 'PATCH X/endpoints/', 'POST X/endpoints/details/'],
    'POST X/endpoints/delete/',
  ],
  '4.2, keys of a proxy': ['GET X/settings/keys/', 'PATCH X/settings/keys/'],
  '4.2, settings': [
    ...['PATCH X/settings/addresses/', 'PATCH X/settings/client-route/', 'PATCH X/settings/connection/'],
    ...['PATCH X/settings/cors/', 'PATCH X/settings/json-error-template/'],
    'PATCH X/settings/xml-error-template/',
  ],
  '4.2, credentials': [
    ...['GET P/credentials/', 'POST P/credentials/', 'PUT P/credentials/', 'PATCH P/credentials/{username}/'],
    ...['DELETE P/credentials/{username}/', 'PUT P/credentials/{username}/access/'],
    ...['GET P/credentials/{username}/access/', 'DELETE P/credentials/{username}/access/'],
    ...['PUT P/credentials/{username}/token/', 'DELETE P/credentials/{username}/token/'],
  ],
  '4.2, environment variables': [
    ...['GET P/environmentVariables/', 'POST P/environmentVariables/{name}/', 'GET P/environmentVariables/{name}/'],
    ...['PUT P/environmentVariables/{name}/', 'DELETE P/environmentVariables/{name}/'],
  ],
  '4.2, keys of a project': [
    ...['GET P/jwks/', 'POST P/jwks/', 'POST P/jwks/generate', 'GET P/jwks/{name}/', 'PUT P/jwks/{name}/'],
    ...[
      'DELETE P/jwks/{name}/',
      'POST P/jwks/{name}/rotate/',
      'GET P/jwks/{name}/rotate/',
      'DELETE P/jwks/{name}/rotate/',
    ],
    ...['POST P/jwks/{name}/rotate/pause/', 'POST P/jwks/{name}/rotate/resume/', 'POST P/jwks/{name}/rotate/force/'],
    'GET P/jwks/{name}/rotate/stream',
  ],
  '4.2, deployments': [
    ...['POST X/environments/{env}/', 'DELETE X/environments/{env}/', 'GET X/environments/{env}/deploy-status/'],
    'GET X/environments/{env}/route-health/',
  ],
  '4.2, deploy histories': [
    ...['GET X/deploy-histories/', 'GET X/deploy-histories/{deployment}/?environmentName='],
    'POST X/deploy-histories/{deployment}/rollback/?environmentName=',
  ],
  '4.2, history': [
    ...['GET X/events/?after=&limit=', 'GET X/revisions/{n}/', 'GET X/?at=<ISO time>', 'GET X/diff/?from=&to='],
  ],
  '4.3, rollout': ['POST X/promote/', 'PUT P/settings/deploy-strategy/'],
  '4.3, progress': ['GET /apiops/deployments/{id}/', 'GET /apiops/deployments/{id}/stream'],
  '4.3, operation': ['GET /apiops/environments/{env}/gateways/', 'GET /apiops/environments/{env}/queue/'],
  '4.3, key sets': ['POST /apiops/environments/{env}/jwks/flush/', 'POST /apiops/environments/{env}/jwks/deny/'],
  '4.3, refresh families': [
    ...['GET P/credentials/{username}/tokens/?environmentName=', 'DELETE P/credentials/{username}/tokens/'],
    'DELETE P/credentials/{username}/tokens/{family}/',
  ],
};

/** Rows that are pages for people, not calls: the contract gives them no method. */
const PAGES = ['/apiops/queues'];

/** Rows that are a member or a parameter rather than a call, by the words that a title must have. */
const WORDS = ['operationMetadata.deployStrategy', 'GET X/?at='];

const METHOD = 'GET|POST|PUT|PATCH|DELETE';
/** `GET, PUT and DELETE X/policies/{policyName}/` names three calls. */
const NAMED_CALLS = new RegExp(
  `\\b((?:${METHOD})(?:(?:, | and |/)(?:${METHOD}))*) ((?:/apiops|[PX](?=/))[^\\s,;:]*)`,
  'g',
);

/** One spelling for calls: whole path, no query, no slash at the end, parameters without names. */
function canonical(method: string, callPath: string): string {
  const whole = callPath
    .replace(/^X\//, 'P/apiProxies/{}/')
    .replace(/^P\//, '/apiops/projects/{}/')
    .replace(/\?.*$/, '')
    .replace(/\{[^}]*\}|:[A-Za-z]+/g, '{}')
    .replace(/\/$/, '');
  return `${method} ${whole}`;
}

const canonicalCall = (call: string): string => {
  const blank = call.indexOf(' ');
  return canonical(call.slice(0, blank), call.slice(blank + 1));
};

const callsIn = (title: string): string[] =>
  [...title.matchAll(NAMED_CALLS)].flatMap(([, methods = '', callPath = '']) =>
    methods.split(/, | and |\//).map((method) => canonical(method, callPath)),
  );

const ROOT = path.resolve(import.meta.dirname, '../../..');
/** The first argument of `it(…)`, `it.each(…)(…)` and of the same with `test` and `describe`. */
const TITLE = /\b(it|test|describe)(?:\.each\b[\s\S]*?\))?\(\s*(['"`])((?:\\.|(?!\2).)*)\2/g;
/** `describe('P/settings/deploy-strategy/')` with `it('PUT and GET: …')` in it. */
const BARE_PATH = /^(?:\/apiops|[PX](?=\/))\S*$/;
const METHODS_FIRST = new RegExp(`^(?:${METHOD})(?:(?:, | and |/)(?:${METHOD}))*\\b`);

/** The titles in one file; under a path alone those of its tests that begin with methods get the path. */
function titlesIn(text: string): string[] {
  let barePath = '';
  return [...text.matchAll(TITLE)].flatMap(([, kind, , title = '']) => {
    if (kind === 'describe') barePath = BARE_PATH.test(title) ? title : '';
    const methods = kind === 'describe' || barePath === '' ? undefined : METHODS_FIRST.exec(title)?.[0];
    return methods === undefined ? [title] : [title, `${methods} ${barePath}`];
  });
}

/** What the tests in the tree are called. */
const titles = (): string[] =>
  ['apps', 'libs', 'test'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /spec\.ts$/.test(name) && name !== path.relative(path.join(ROOT, folder), import.meta.filename))
      .flatMap((name) => titlesIn(readFileSync(path.join(ROOT, folder, name), 'utf8'))),
  );

describe('every row of part 4 of the contract', () => {
  const rows = Object.entries(CONTRACT).flatMap(([part, calls]) => calls.map((call) => [part, call] as const));
  const all = titles();
  const named = new Set(all.flatMap(callsIn));
  let plane: RunningControlPlane;
  let served: Set<string>;

  beforeAll(async () => {
    plane = await RunningControlPlane.start();
    served = new Set(plane.routes().map(({ method, path: route }) => canonical(method, route)));
  });
  afterAll(() => plane.close());

  it('stands in the list once', () => {
    const calls = rows.map(([, call]) => canonicalCall(call));
    // A revision by time and the newest one are one route and two rows.
    expect(calls.filter((call, index) => calls.indexOf(call) !== index)).toEqual([canonicalCall('GET X/')]);
  });

  it.each(rows)('%s: %s is served', (_part, call) => {
    expect([...served]).toContain(canonicalCall(call));
  });

  it.each(rows)('%s: %s is in the title of a test', (_part, call) => {
    expect([...named]).toContain(canonicalCall(call));
  });

  it.each(PAGES)('%s is served, and is in the title of a test', async (url) => {
    const headers = { authorization: `Bearer ${plane.adminToken}` };
    for (const one of [url, `${url}/`]) {
      const { statusCode, headers: received } = await plane.app.inject({ method: 'GET', url: one, headers });
      expect([one, statusCode, received['content-type']]).toEqual([one, 200, 'text/html; charset=utf-8']);
    }
    expect(all.filter((title) => title.includes(url))).not.toEqual([]);
  });

  it.each(WORDS)('%s is in the title of a test', (words) => {
    expect(all.filter((title) => title.includes(words))).not.toEqual([]);
  });
});
