import { Gauge, type Registry } from 'prom-client';
import type { TrafficLoad } from '../http-server/traffic-server.ts';
import type { TransportLoad } from '../upstream/transport.ts';

/** What is asked when the metrics are read; neither waits for anything. */
export interface ObservedLoad {
  readonly traffic: () => TrafficLoad;
  /** By origin: scheme, host and port of an upstream address, as it was configured. */
  readonly upstreams: () => ReadonlyMap<string, TransportLoad>;
}

/** Adds what is open and under way now. Once. */
export function observeLoad(registry: Registry, { traffic, upstreams }: ObservedLoad): void {
  const registers = [registry];
  new Gauge({
    ...{ name: 'gatewarden_requests_in_flight', help: 'Requests whose answers are not out', registers },
    collect: function () {
      this.set(traffic().inFlight);
    },
  });
  new Gauge({
    ...{ name: 'gatewarden_client_connections', help: 'Open connections of clients, by who reads them', registers },
    labelNames: ['front'],
    collect: function () {
      for (const [front, open] of Object.entries(traffic().connections)) this.set({ front }, open);
    },
  });
  new Gauge({
    ...{ name: 'gatewarden_upstream_connections', help: 'Connections to upstreams: in use, and kept idle', registers },
    labelNames: ['origin', 'state'],
    collect: function () {
      this.reset();
      for (const [origin, { open, idle }] of upstreams()) {
        this.set({ origin, state: 'used' }, open - idle);
        this.set({ origin, state: 'idle' }, idle);
      }
    },
  });
  new Gauge({
    ...{ name: 'gatewarden_upstream_requests_waiting', help: 'Requests that wait for a connection', registers },
    labelNames: ['origin'],
    collect: function () {
      this.reset();
      for (const [origin, { waiting }] of upstreams()) this.set({ origin }, waiting);
    },
  });
}
