import { readFileSync } from 'node:fs';
import { until } from '../../support/until.ts';
import type { BenchTokens } from './bench-tokens.ts';
import type { PinnedProcess } from './pinned-process.ts';

/** One system under test: it forwards what arrives at a path, after its checks. */
export interface Contestant {
  readonly name: string;
  readonly process: PinnedProcess;
  readonly port: number;
  readonly path: string;
}

const STARTS_WITHIN_MS = 60_000;

const statusFor = async ({ port, path }: Contestant, token?: string): Promise<number> => {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  await answer.arrayBuffer();
  return answer.status;
};

/**
 * Sees to it that a contestant does its work before its time is taken: it forwards good requests and refuses what each of
 * the checks is there for.
 *
 * @throws Error naming what it should have done
 */
export async function checkContestant(
  contestant: Contestant,
  tokens: BenchTokens | undefined,
  goodToken: string | undefined,
): Promise<void> {
  const forwards = async (): Promise<boolean> => {
    if (!contestant.process.isRunning) throw new Error(contestant.process.output);
    return (await statusFor(contestant, goodToken)) === 200;
  };
  await until(`${contestant.name} forwards requests`, forwards, STARTS_WITHIN_MS);
  for (const [what, token] of Object.entries(tokens?.refused ?? {})) {
    const status = await statusFor(contestant, token);
    if (status !== 401 && status !== 403) throw new Error(`${contestant.name} answers ${what} with ${status}`);
  }
}

/** One that everybody has to let through. */
export const firstToken = ({ file }: BenchTokens): string => readFileSync(file, 'utf8').split('\n', 1)[0] ?? '';
