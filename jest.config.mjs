import { availableParallelism } from 'node:os';

const swc = {
  swcrc: false,
  sourceMaps: 'inline',
  module: { type: 'es6' },
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    keepClassNames: true,
  },
};
// ESM-only packages that a CommonJS package require()s: Node 20.19+ can, Jest on Node 20 cannot.
const requiredEsm = ['cookie', 'content-disposition'];
const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['app-src', 'node', 'node-addons'] },
  setupFiles: ['reflect-metadata'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', swc],
    [`/node_modules/(${requiredEsm.join('|')})/.+\\.js$`]: ['@swc/jest', { swcrc: false, jsc: { target: 'es2022' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${requiredEsm.join('|')})/)`],
};
// A PostgreSQL and a Redis for each worker; every suite takes a database and a key prefix of its own.
const withServers = {
  setupFiles: [...base.setupFiles, '<rootDir>/test/support/own-servers.ts'],
  globalSetup: '<rootDir>/test/support/servers-setup.ts',
  globalTeardown: '<rootDir>/test/support/servers-teardown.ts',
};
export default {
  rootDir: import.meta.dirname,
  // Suites wait about as long as they compute: with one more of them at once than there are cores, no core is idle.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  reporters: ['default', '<rootDir>/test/support/ci-line-reporter.mjs'],
  testSequencer: '<rootDir>/test/support/heaviest-first.mjs',
  // What hangs ends in the end. Far more than any test takes: a busy machine is no reason to fail.
  testTimeout: 120_000,
  workerIdleMemoryLimit: '1GB',
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs}/**/*.spec.ts'] },
    { ...base, ...withServers, displayName: 'integration', testMatch: ['<rootDir>/{apps,libs}/**/*.int-spec.ts'] },
    { ...base, ...withServers, displayName: 'e2e', testMatch: ['<rootDir>/test/**/*.e2e-spec.ts'] },
  ],
};
