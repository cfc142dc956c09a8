import http from 'node:http';

export interface Asked {
  /** 0: no answer. */
  readonly status: number;
  readonly body: string;
  /** Why there was no whole answer. */
  readonly failure: string | null;
  /** By `performance.now()`. */
  readonly fromMs: number;
  readonly untilMs: number;
}

const ANSWER_WITHIN_MS = 30_000;

/** A GET, over a connection that the agent keeps or over a fresh one. Never rejects. */
export function ask(url: string, agent: http.Agent | false, token?: string): Promise<Asked> {
  const fromMs = performance.now();
  return new Promise((resolve) => {
    const end = (status: number, body: string, failure: string | null): void =>
      resolve({ status, body, failure, fromMs, untilMs: performance.now() });
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const request = http.get(url, { agent, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => end(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'), null));
      response.on('error', (error) => end(0, '', `answer broken off: ${error.message}`));
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)));
    request.on('error', (error: NodeJS.ErrnoException) => {
      const reused = request.reusedSocket ? ' on a kept connection' : '';
      end(0, '', `${error.code ?? error.message}${reused}`);
    });
  });
}
