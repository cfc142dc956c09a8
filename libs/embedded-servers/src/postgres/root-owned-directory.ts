import { lstatSync, mkdirSync } from 'node:fs';
import { EmbeddedServerError } from '../embedded-server-error.ts';

/** Where root keeps what the unprivileged account must reach when the checkout is closed to it. */
export const SYSTEM_DIRECTORY = '/var/lib/gatewarden';

/** Whether nobody but root can have put anything into the directory. */
export function isTrustedDirectory(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return found !== undefined && found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
}

/**
 * Creates the directory if need be.
 *
 * @throws EmbeddedServerError `DIRECTORY_NOT_USABLE` when somebody else could have written into it
 */
export function ensureTrustedDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (isTrustedDirectory(directory)) return;
  throw new EmbeddedServerError(
    'DIRECTORY_NOT_USABLE',
    `${directory} must belong to root and be writable by root alone`,
    [`chown root ${directory} && chmod 755 ${directory}`],
  );
}
