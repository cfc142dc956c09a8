import { AUDIT_VERIFY } from './audit-verify.ts';
import { runCommand } from './run-command.ts';

await runCommand(AUDIT_VERIFY, process.env);
