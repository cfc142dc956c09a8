import { setTimeout as delay } from 'node:timers/promises';
import { StackFault } from './stack-fault.ts';

const LIMIT_MS = 30_000;
const LOOK_AGAIN_MS = 200;
const PROBE_LIMIT_MS = 5000;

interface Expectation {
  readonly url: string;
  readonly token: string | null;
  readonly status: number;
}

async function statusOf({ url, token }: Expectation): Promise<number | null> {
  try {
    const headers = token === null ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PROBE_LIMIT_MS) });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    return null;
  }
}

async function fulfilled(expectation: Expectation): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < LIMIT_MS; waitedMs += LOOK_AGAIN_MS) {
    if ((await statusOf(expectation)) === expectation.status) return true;
    await delay(LOOK_AGAIN_MS);
  }
  return false;
}

/**
 * Waits until every gateway enforces both policies: `orders` refuses who has no token, `partners` lets the partner in.
 * No token is asked for, since every login counts.
 *
 * @throws StackFault `DEMO_NOT_READY`
 */
export async function waitForDemo(gatewayUrls: readonly string[], partnerToken: string): Promise<void> {
  const expectations = gatewayUrls.flatMap((url): Expectation[] => [
    { url: `${url}/orders`, token: null, status: 401 },
    { url: `${url}/partners`, token: partnerToken, status: 200 },
  ]);
  for (const expectation of expectations) {
    if (await fulfilled(expectation)) continue;
    const answered = (await statusOf(expectation)) ?? 'nothing';
    throw new StackFault('DEMO_NOT_READY', `${expectation.url} answers ${answered}, not ${expectation.status}`, [
      'was the demo changed or deleted? everything else works; deploy its proxies again, or go on without: --no-demo',
      'to begin again with nothing: remove the data directory',
    ]);
  }
}
