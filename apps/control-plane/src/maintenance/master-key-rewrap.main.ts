import { MASTER_KEY_REWRAP } from './master-key-rewrap.ts';
import { runCommand } from './run-command.ts';

await runCommand(MASTER_KEY_REWRAP, process.env);
