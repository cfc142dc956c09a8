import { PROJECTIONS_REBUILD } from './projections-rebuild.ts';
import { runCommand } from './run-command.ts';

await runCommand(PROJECTIONS_REBUILD, process.env);
