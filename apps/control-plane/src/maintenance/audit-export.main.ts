import { AUDIT_EXPORT } from './audit-export.ts';
import { runCommand } from './run-command.ts';

await runCommand(AUDIT_EXPORT, process.env);
