import http from 'node:http';

/** Silence after which nothing more is expected. */
const HANGS_AFTER_MS = 10_000;

/** What became of a request over a connection of its own: its status, or why there is none. */
export type NewConnectionOutcome = number | 'closed' | 'hangs';

/** Asks once over each of so many connections that are opened at the same time. */
export const askOverNewConnections = (count: number, url: string): readonly Promise<NewConnectionOutcome>[] =>
  Array.from({ length: count }, () => askOverNewConnection(url));

function askOverNewConnection(url: string): Promise<NewConnectionOutcome> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, timeout: HANGS_AFTER_MS }, (response) => {
      response.on('error', () => resolve('closed')).on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    request.on('timeout', () => {
      resolve('hangs');
      request.destroy();
    });
    request.on('error', () => resolve('closed'));
  });
}
