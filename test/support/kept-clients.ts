import http from 'node:http';

export interface KeptAnswer {
  readonly status: number;
  readonly body: string;
  /** Its server keeps the connection no longer. */
  readonly closes: boolean;
}

/** One request over the connection that an agent keeps. */
export function askKept(agent: http.Agent, url: string): Promise<KeptAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('error', reject).on('end', () => {
        resolve({ status: response.statusCode ?? 0, body, closes: response.headers.connection === 'close' });
      });
    });
    request.on('error', reject);
  });
}

/** An agent that keeps one connection. */
export const oneConnection = (): http.Agent => new http.Agent({ keepAlive: true, maxSockets: 1 });

/**
 * Clients that ask without a pause, each over one kept connection. They try nothing twice, and go to the other server when
 * the one they are at says that it closes the connection.
 */
export class KeptClients {
  /** Everything but a 200. */
  readonly failures: string[] = [];
  answered = 0;
  #isOver = false;
  readonly #clients: readonly Promise<void>[];

  constructor(urls: readonly string[], count: number) {
    this.#clients = Array.from({ length: count }, (_, at) => this.#client(urls, at));
  }

  /** Ends when the requests under way were answered. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#clients);
  }

  async #client(urls: readonly string[], first: number): Promise<void> {
    const agent = oneConnection();
    for (let at = first; !this.#isOver;) {
      const url = urls[at % urls.length] ?? '';
      try {
        const { status, closes } = await askKept(agent, url);
        this.answered += 1;
        if (status !== 200) this.failures.push(`${url}: ${status}`);
        if (closes) at += 1;
      } catch (error) {
        this.failures.push(`${url}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
      }
    }
    agent.destroy();
  }
}
