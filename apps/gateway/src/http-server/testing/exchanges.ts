import type { ExchangeSummary } from '../exchange-summary.ts';

/** A finished exchange that differs from a plain one in what a test cares about. */
export const exchangeOf = (members: Partial<ExchangeSummary> = {}): ExchangeSummary => ({
  ...{ correlationId: '5f0e6ae5-2ad6-4d0a-8f2a-5b1b0a3c9f11', method: 'GET', proxy: 'shop/orders' },
  ...{ endpoint: undefined, revision: 3, route: '/orders', hasPolicies: true, host: 'api.example', path: '/orders/7' },
  ...{ scheme: 'http', httpVersion: '1.1', clientAddress: '192.0.2.7', status: 200, startedAt: 1_000, durationMs: 20 },
  ...{ isComplete: true, bodyBytes: 10, fault: undefined, upstream: undefined, trace: undefined },
  ...members,
});
