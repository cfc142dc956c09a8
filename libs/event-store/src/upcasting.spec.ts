import { UpcasterStuck } from './event-store-errors.ts';
import { type RecordedEvent } from './event-store.port.ts';
import { START } from './global-position.ts';
import { upcast, upcasterKey } from './upcasting.ts';

const event: RecordedEvent = {
  eventId: '00000000-0000-4000-8000-000000000000',
  streamId: 'proxy-1',
  streamVersion: 1,
  position: START,
  recordedAt: '2026-01-02T03:04:05.678Z',
  metadata: { actor: 'ada', requestId: 'request-1' },
  type: 'ProxyNamed',
  schemaVersion: 1,
  data: { name: 'orders' },
};

describe('upcast', () => {
  it('leaves an event of the newest shape as it is', () => {
    expect(upcast(event, new Map())).toBe(event);
  });

  it('refuses upcasters that lead in a circle instead of turning for ever', () => {
    const upcasters = new Map([
      [upcasterKey('ProxyNamed', 1), (old: RecordedEvent) => ({ ...old, schemaVersion: 2 })],
      [upcasterKey('ProxyNamed', 2), (old: RecordedEvent) => ({ ...old, schemaVersion: 1 })],
    ]);
    expect(() => upcast(event, upcasters)).toThrow(UpcasterStuck);
  });
});
