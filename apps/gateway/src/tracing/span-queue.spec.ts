import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { SPAN_QUEUE_LIMITS, SpanQueue } from './span-queue.ts';

const spans = (count: number): ReadableSpan[] => Array.from({ length: count }, () => ({}) as ReadableSpan);

describe('SpanQueue', () => {
  it('holds no more than there is room for while a collector does not answer, and sends one batch at a time', async () => {
    const sent: number[] = [];
    const lost: (readonly [number, string])[] = [];
    let answer: () => void = () => undefined;
    const queue = new SpanQueue(
      (batch) => {
        sent.push(batch.length);
        return new Promise((resolve) => {
          answer = () => resolve(undefined);
        });
      },
      { onSent: () => undefined, onLost: (count, why) => lost.push([count, why]) },
    );
    const { batch, waiting } = SPAN_QUEUE_LIMITS;
    queue.add(spans(batch));
    for (let added = 0; added < waiting + 3; added += 1) queue.add(spans(1));
    expect(sent).toEqual([batch]);
    expect(lost).toEqual([
      [1, 'full'],
      [1, 'full'],
      [1, 'full'],
    ]);
    answer();
    await new Promise(setImmediate);
    expect(sent).toEqual([batch, batch]);
    await queue.close(0);
    expect(lost.at(-1)).toEqual([waiting - batch, 'stopped']);
  });
});
