// Installs the dependencies unless they are as the lock file says.
import { checkNode, ensureDependencies, runOrExplain } from './bootstrap.mjs';

await runOrExplain(() => {
  checkNode();
  console.log(`dependencies … ${ensureDependencies((what) => console.log(`dependencies … ${what}`))}`);
});
