import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { RunningControlPlane } from './testing/running-control-plane.ts';

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters: readonly object[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly examples?: object }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let one: RunningControlPlane;
let document: OpenApi;

beforeAll(async () => {
  one = await RunningControlPlane.start();
  const answer = await one.app.inject({ method: 'GET', url: '/apiops/openapi' });
  expect(answer.statusCode).toBe(200);
  document = answer.json();
});
afterAll(() => one.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );

describe('GET /apiops/openapi', () => {
  it('is OpenAPI 3.1 and needs no token', () => {
    expect(document.openapi).toBe('3.1.0');
  });

  it('has nothing that a linter of OpenAPI documents finds fault with', async () => {
    // The vendor's paths end in a slash, and so do the contract's.
    const rules = { 'no-path-trailing-slash': 'off' } as const;
    const config = await createConfig({ extends: ['recommended-strict'], rules });
    const problems = await lintFromString({ source: JSON.stringify(document), absoluteRef: 'openapi.json', config });
    expect(problems.map(({ ruleId, message, location }) => ({ ruleId, message, at: location[0]?.pointer }))).toEqual(
      [],
    );
  });

  it('holds every route that the server has under /apiops, and no other', () => {
    const routes = one
      .routes()
      .filter(
        ({ path }) =>
          path.startsWith('/apiops/') && !path.startsWith('/apiops/docs/') && !path.startsWith('/apiops/queues'),
      );
    const served = routes.map(
      ({ method, path }) => `${method} ${path.replace(/:([A-Za-z]+)/g, '{$1}').replace(/\/$/, '')}`,
    );
    const documented = operations().map(({ method, path }) => `${method.toUpperCase()} ${path.replace(/\/$/, '')}`);
    expect(documented.sort()).toEqual([...new Set(served)].sort());
  });

  it('offers Idempotency-Key to every write, a sign-in excepted', () => {
    const writes = operations().filter(({ method }) => method !== 'get');
    const without = writes.filter(
      ({ operation }) => !JSON.stringify(operation.parameters).includes('#/components/parameters/IdempotencyKey'),
    );
    expect(without.map(({ path }) => path)).toEqual(['/apiops/auth/token']);
  });

  it('gives every call with a body an example, and every answer that can fail its shape', () => {
    for (const { path, method, operation } of operations()) {
      const json = operation.requestBody?.content['application/json'];
      const at = `${method} ${path}`;
      if (json !== undefined) expect([at, Object.keys(json.examples ?? {}).length]).not.toEqual([at, 0]);
      expect([at, Object.keys(operation.responses)]).toEqual([at, expect.arrayContaining(['200', '400'])]);
    }
  });
});

describe('docs/reference/apiops.md', () => {
  it('lists every call, with the permission that it needs, and no other', () => {
    const page = readFileSync(new URL('../../../docs/reference/apiops.md', import.meta.url), 'utf8');
    const listed = [...page.matchAll(/^\| `([A-Z]+ \S+)` \| .* \| (.+) \|$/gm)].map(
      ([, call, needs]) => `${call}: ${needs}`,
    );
    const documented = operations().map(({ path, method, operation }) => {
      const short = path.replace('/apiops/projects/{projectName}', 'P').replace('P/apiProxies/{apiProxyName}', 'X');
      const needs = /Needs (?:no token|(any) valid (token)|(\w+))\.$/.exec(operation.description)?.slice(1);
      return `${method.toUpperCase()} ${short}: ${needs?.filter(Boolean).join(' ') || 'none'}`;
    });
    expect(listed.sort()).toEqual(documented.sort());
  });
});

describe('GET /apiops/docs', () => {
  it('is a page that needs no token and takes no script from elsewhere', async () => {
    const { statusCode, headers, body } = await one.app.inject({ method: 'GET', url: '/apiops/docs/' });
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toContain("script-src 'self'");
    const addresses = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) {
      const { statusCode: found } = await one.app.inject({ method: 'GET', url: address });
      expect([address, found]).toEqual([address, 200]);
    }
  });

  it('serves nothing else of the package that the page comes from', async () => {
    for (const name of ['package.json', 'index.html', '../package.json', '%2e%2e/package.json']) {
      const { statusCode } = await one.app.inject({ method: 'GET', url: `/apiops/docs/assets/${name}` });
      expect([name, statusCode]).not.toEqual([name, 200]);
    }
  });
});
