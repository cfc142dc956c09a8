import { Pool } from 'undici';

export interface TokenBody {
  readonly access_token?: string;
  readonly refresh_token?: string;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** So many clients of one server, each on a connection of its own, each with one request under way. */
export class TokenLoad {
  private readonly pool: Pool;

  constructor(
    origin: string,
    private readonly path: string,
    private readonly connections: number,
  ) {
    this.pool = new Pool(origin, { connections, pipelining: 1 });
  }

  /** @throws Error when no token is given */
  async ask(form: Readonly<Record<string, string>>): Promise<TokenBody> {
    const request = {
      method: 'POST',
      path: this.path,
      headers: FORM,
      body: new URLSearchParams(form).toString(),
    } as const;
    const { statusCode, body } = await this.pool.request(request);
    const answer = (await body.json()) as TokenBody;
    if (statusCode !== 200 || answer.access_token === undefined) {
      throw new Error(`no token: ${statusCode} ${JSON.stringify(answer)}`);
    }
    return answer;
  }

  /** So many pieces of work, shared out among the clients. */
  async run(pieces: number, work: (client: number) => Promise<unknown>): Promise<void> {
    let left = pieces;
    const drive = async (client: number): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await work(client);
      }
    };
    await Promise.all(Array.from({ length: this.connections }, (_none, client) => drive(client)));
  }

  close(): Promise<void> {
    return this.pool.close();
  }
}
