import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { ChildProgram } from '../support/child-program.ts';
import { until } from '../support/until.ts';

/** As an environment variable of a program: it may be asked from outside. Port of the system's choice, this machine only. */
export const PROBED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' } as const;

const ANSWERS_WITHIN_MS = 30_000;
const BYTES_PER_MB = 1_048_576;

interface InspectorAnswer {
  readonly id: number;
  readonly result?: { readonly result?: { readonly value?: NodeJS.MemoryUsage } };
  readonly error?: { readonly message: string };
}

/** Looks at the memory of a program started with {@link PROBED} by Chrome's DevTools protocol. The program has no part in it. */
export class HeapProbe {
  private nextId = 1;

  private constructor(private readonly socket: WebSocket) {}

  /** @throws Error when the program does not say where it listens */
  static async attach(program: ChildProgram): Promise<HeapProbe> {
    const url = await until(
      'the inspector listens',
      async () => /^Debugger listening on (ws:\S+)$/m.exec(program.output)?.[1],
    );
    const socket = new WebSocket(url);
    await once(socket, 'open', { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    return new HeapProbe(socket);
  }

  /** What is still referred to: collects garbage first, which stops the program for as long as that takes. @throws Error */
  async heldAfterCollecting(): Promise<Readonly<Record<'heapMb' | 'buffersMb', number>>> {
    await this.call('HeapProfiler.collectGarbage', {});
    const used = await this.call('Runtime.evaluate', { expression: 'process.memoryUsage()', returnByValue: true });
    const value = used.result?.result?.value;
    if (value === undefined) throw new Error('the inspector does not say how much memory is used');
    return { heapMb: value.heapUsed / BYTES_PER_MB, buffersMb: value.external / BYTES_PER_MB };
  }

  /** A program that somebody is attached to does not end: before it is stopped. */
  close(): void {
    this.socket.terminate();
  }

  /** One at a time. */
  private async call(method: string, params: object): Promise<InspectorAnswer> {
    const id = this.nextId++;
    this.socket.send(JSON.stringify({ id, method, params }));
    const [data] = (await once(this.socket, 'message', { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) })) as [Buffer];
    const answer = JSON.parse(data.toString('utf8')) as InspectorAnswer;
    if (answer.id !== id || answer.error !== undefined) throw new Error(`${method}: ${data.toString('utf8')}`);
    return answer;
  }
}
