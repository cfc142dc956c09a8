// Cycles of folders, in what is built: a spec beside its source may use the lib's testing folder, which uses the sources.
const { options } = require('./.dependency-cruiser.cjs');

module.exports = {
  forbidden: [{ name: 'no-circular-folders', severity: 'error', scope: 'folder', from: {}, to: { circular: true } }],
  options: {
    ...options,
    exclude: { path: ['^dist/', '/testing/', '\\.(spec|int-spec|e2e-spec)\\.ts$', '^libs/[^/]+/test/'] },
  },
};
