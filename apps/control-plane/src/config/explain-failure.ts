import { EmbeddedServerError } from '#libs/embedded-servers';
import { EventStoreUnavailable } from '#libs/event-store';
import { BadSettings } from '#libs/program-shell';

/** What a person can do something about is said in a line; anything else with its stack. */
export function explainFailure(error: unknown): string {
  if (error instanceof BadSettings) return `${error.message}\nrun with --help for the list of settings`;
  if (error instanceof EmbeddedServerError)
    return [error.message, ...error.remedies.map((one) => `  - ${one}`)].join('\n');
  if (error instanceof EventStoreUnavailable) {
    // Of a name with several addresses Node tells the code alone.
    const { code, message = '' } = (error.cause ?? error) as NodeJS.ErrnoException;
    return `the database cannot be reached: ${message || code}; DATABASE_URL says where it is`;
  }
  const { code, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `port ${port} is taken: set PORT to a free one, or stop what listens there (ss -ltnp)`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
