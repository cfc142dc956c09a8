import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { AwaitedChange } from './host-messages.ts';

const BETWEEN_TRIES_MS = 1;
const ENFORCED_WITHIN_MS = 30_000;

interface ProbedAnswer {
  readonly status: number | undefined;
  readonly text: string;
}

/** One gateway, asked over one connection that stays open. */
export class EnforcementProbe {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1, noDelay: true });

  constructor(private readonly port: number) {}

  /** @throws Error when the change is enforced already: then nothing could be seen of it */
  async requireNotYet(awaited: AwaitedChange): Promise<void> {
    if (await this.isEnforced(awaited)) throw new Error(`change ${awaited.change} is enforced before it was sent`);
  }

  /** Fulfils at the first request that the new policy refuses. */
  async enforced(awaited: AwaitedChange): Promise<void> {
    const untilMs = performance.now() + ENFORCED_WITHIN_MS;
    while (!(await this.isEnforced(awaited))) {
      if (performance.now() > untilMs) throw new Error(`change ${awaited.change} was not enforced`);
      await pause(BETWEEN_TRIES_MS);
    }
  }

  /** @throws Error when the new policy does not let through what it asks for */
  async requireLetThrough({ path, goodToken, change }: AwaitedChange): Promise<void> {
    const { status, text } = await this.ask(path, goodToken);
    if (status !== 200) throw new Error(`after change ${change} of ${path}: ${status} ${text}`);
  }

  private async isEnforced({ path, strayToken, change }: AwaitedChange): Promise<boolean> {
    const { status, text } = await this.ask(path, strayToken);
    if (status === 401 && text.includes('JwtAudienceMismatch')) return true;
    const isOfOlder = status === 401 && text.includes('JwtIssuerMismatch');
    // 200: before the first policy of the proxy.
    if (!isOfOlder && status !== 200) throw new Error(`change ${change} of ${path}: ${status} ${text}`);
    return false;
  }

  private ask(path: string, token: string): Promise<ProbedAnswer> {
    const headers = { authorization: `Bearer ${token}` };
    return new Promise((resolve, reject) => {
      const target = { agent: this.agent, host: '127.0.0.1', port: this.port, path, headers };
      const request = http.request(target, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode, text }));
      });
      request.on('error', reject);
      request.end();
    });
  }
}
