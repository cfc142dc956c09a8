import { PROJECTIONS_REBUILD } from './projections-rebuild.ts';
import { runCommand } from './run-command.ts';

// eslint-disable-next-line no-restricted-syntax -- a program's entry reads its environment, once
await runCommand(PROJECTIONS_REBUILD, process.env);
