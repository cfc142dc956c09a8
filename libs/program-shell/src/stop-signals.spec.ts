import { stopSignalHandler } from './stop-signals.ts';

describe('a stop signal', () => {
  const heard: string[] = [];
  let nowMs = 0;
  const handler = stopSignalHandler({
    stop: (signal) => heard.push(signal),
    hurry: () => heard.push('hurry'),
    nowMs: () => nowMs,
  });

  it('stops once, though npm passes the same key on, and a later one means a hurry', () => {
    handler('SIGINT');
    nowMs += 100;
    handler('SIGINT');
    expect(heard).toEqual(['SIGINT']);
    nowMs += 1_000;
    handler('SIGTERM');
    expect(heard).toEqual(['SIGINT', 'hurry']);
  });
});
