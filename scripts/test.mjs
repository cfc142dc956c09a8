// npm test: installs what is missing, builds (the end-to-end tests run the built programs), runs the suite.
// Arguments go to Jest. The last line is the count of tests, also after what the teardown prints.
import { checkNode, ensureBuilt, ensureDependencies, runOrExplain } from './bootstrap.mjs';
import { NOTHING_RUN, runJest } from './run-jest.mjs';

let counts = NOTHING_RUN;
await runOrExplain(async () => {
  checkNode();
  console.log(`dependencies … ${ensureDependencies((what) => console.log(`dependencies … ${what}`))}`);
  console.log(`build … ${ensureBuilt((what) => console.log(`build … ${what}`))}`);
  const result = await runJest(process.execPath, process.argv.slice(2));
  process.exitCode = result.status;
  if (result.counts !== undefined) counts = result.counts;
  // Jest's options such as --listTests run no test at all.
  else if (result.status === 0) counts = '0 passed, 0 failed, 0 skipped';
});
console.log(counts);
