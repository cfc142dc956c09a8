const LIB_MAY_IMPORT = {
  'jwt-engine': [],
  'canonical-json': [],
  'event-store': ['canonical-json'],
  'config-distribution': ['redis-clients'],
  'refresh-token-store': [],
  'token-revocations': [],
  'embedded-servers': [],
  'program-shell': ['redis-clients'],
  'redis-clients': [],
  'upstream-addresses': [],
  'client-addresses': [],
  'policy-contracts': ['jwt-engine', 'canonical-json'],
  'policy-runtime': ['policy-contracts', 'jwt-engine'],
};
const APP_MAY_IMPORT = {
  'control-plane': [
    'canonical-json',
    'policy-contracts',
    'policy-runtime',
    'jwt-engine',
    'event-store',
    'config-distribution',
    'refresh-token-store',
    'token-revocations',
    'embedded-servers',
    'program-shell',
    'redis-clients',
    'upstream-addresses',
    'client-addresses',
  ],
  gateway: [
    'policy-contracts',
    'policy-runtime',
    'jwt-engine',
    'config-distribution',
    'refresh-token-store',
    'token-revocations',
    'program-shell',
    'redis-clients',
    'upstream-addresses',
    'client-addresses',
  ],
  'local-stack': ['embedded-servers'],
};
const only = (kind, table) =>
  Object.entries(table).map(([name, libs]) => ({
    name: `${name}-imports-only-its-own-libs`,
    comment: `${kind}/${name} may import: ${libs.join(', ') || 'no other lib'}`,
    severity: 'error',
    from: { path: `^${kind}/${name}/` },
    to: {
      path: '^libs/',
      pathNot: `^libs/(${[...libs, ...(kind === 'libs' ? [name] : [])].join('|') || '-'})/`,
    },
  }));
const rule = (name, from, to, comment = '') => ({ name, comment, severity: 'error', from, to });
const SLICES =
  'access-tokens|projects|environments|api-proxies|credentials|environment-variables|key-stores|deployments|audit|audit-trail|openapi';
const SPEC = '\\.(spec|int-spec|e2e-spec)\\.ts$';

module.exports = {
  forbidden: [
    rule('no-circular', {}, { circular: true }),
    rule('no-unresolvable', {}, { couldNotResolve: true }),
    ...only('libs', LIB_MAY_IMPORT),
    ...only('apps', APP_MAY_IMPORT),
    rule('libs-never-import-apps', { path: '^libs/' }, { path: '^apps/' }),
    rule('apps-never-import-each-other', { path: '^apps/([^/]+)/' }, { path: '^apps/', pathNot: '^apps/$1/' }),
    rule(
      'a-lib-is-entered-by-its-index',
      { path: '^(apps/[^/]+|libs/[^/]+|test)/' },
      {
        path: '^libs/[^/]+/src/',
        pathNot: ['^$1/', '^libs/[^/]+/src/index\\.ts$', '^libs/[^/]+/src/testing/index\\.ts$'],
      },
    ),
    rule('testing-helpers-stay-in-specs', { pathNot: [SPEC, '/testing/', '^test/'] }, { path: '/testing/' }),
    // What is fuzzed lies behind the module: a target goes as deep as a spec does.
    rule(
      'e2e-enters-an-app-by-its-module',
      { path: '^test/', pathNot: '^test/(?:fuzz/targets|support/packaging)/' },
      { path: '^apps/', pathNot: '\\.module\\.ts$' },
    ),
    rule('nobody-imports-the-e2e-tests', { path: '^(apps|libs)/', pathNot: SPEC }, { path: '^test/' }),
    rule('libs-are-plain-typescript', { path: '^libs/' }, { path: 'node_modules/(@nestjs|express|fastify)/' }),
    rule(
      'domain-is-pure',
      { path: '^apps/control-plane/src/([^/]+)/domain/', pathNot: SPEC },
      {
        pathNot: [
          '^apps/control-plane/src/$1/domain/',
          '^apps/control-plane/src/decider/',
          '^libs/(event-store|policy-contracts)/src/index\\.ts$',
        ],
      },
      'its own folder, the event types and the policy contracts, nothing else: not even node:crypto',
    ),
    rule(
      'compile-is-pure',
      { path: '^apps/control-plane/src/deployments/compile/', pathNot: SPEC },
      {
        pathNot: [
          '^apps/control-plane/src/deployments/compile/',
          '^apps/control-plane/src/api-proxies/domain/',
          '^libs/policy-contracts/src/index\\.ts$',
        ],
      },
      'the same in, the same out: rows in, artifact out',
    ),
    rule(
      'slices-meet-in-domains-and-ports',
      { path: `^apps/control-plane/src/(${SLICES})/`, pathNot: SPEC },
      {
        path: `^apps/control-plane/src/(${SLICES})/`,
        pathNot: ['^apps/control-plane/src/$1/', '/domain/[^/]+\\.ts$', '\\.port\\.ts$'],
      },
    ),
    rule(
      'engine-and-runtime-do-no-io',
      { path: '^libs/(jwt-engine|policy-runtime|policy-contracts)/src/', pathNot: SPEC },
      { path: '^(node:)?(fs|net|http|https|dns|child_process|tls|dgram|worker_threads)(/|$)' },
    ),
    rule(
      'hot-path-has-no-framework',
      { path: '^(apps/gateway/src/(router|upstream|http-server|token-endpoint|cors)|libs/policy-runtime)/' },
      { path: 'node_modules/(@nestjs|rxjs)/' },
    ),
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['app-src', 'import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.d.ts'],
    },
  },
};
