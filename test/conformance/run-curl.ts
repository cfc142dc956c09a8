import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';

export interface CurlResult {
  readonly exitCode: number;
  readonly output: Buffer;
  /** What it says with `-v`, among others the heads of requests and answers. */
  readonly said: string;
}

/** Runs curl with no configuration of its own; `input` is its standard input. */
export async function runCurl(curl: string, args: readonly string[], input?: Buffer): Promise<CurlResult> {
  const child = spawn(curl, ['-q', '-sS', '--max-time', '120', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [output, said, exited] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { exitCode: exited[0] as number, output, said };
}
