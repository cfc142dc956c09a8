import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { ConfigView } from '../admin/config-view.ts';

/** One metric of a process with all its values, as `Registry.getMetricsAsJSON` tells it. */
export type ToldMetric = MetricObjectWithValues<MetricValue<string>>;

export interface WorkerStatus {
  /** null: it is ready. */
  readonly notReadyBecause: string | null;
  /** Highest deployment applied. */
  readonly deployment: number;
}

/** What the primary may ask of a worker, and what it is answered. */
export interface WorkerAnswers {
  readonly status: WorkerStatus;
  readonly config: WorkerStatus & { readonly view: ConfigView };
  readonly metrics: readonly ToldMetric[];
}

export type Question = keyof WorkerAnswers;

/** From the primary to a worker. */
export type ToWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly what: Question }
  /** Drain and end. */
  | { readonly kind: 'stop' }
  /** With its socket. Without one: the worker is asked again what became of it. */
  | { readonly kind: 'connection'; readonly id: number }
  /** The worker gets no connection after this. */
  | { readonly kind: 'left' };

/** From a worker to the primary. */
export type FromWorker =
  | { readonly kind: 'serving' }
  /** It ends now, for a reason that a person can put right: one line. */
  | { readonly kind: 'cannot-start'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly content: unknown }
  /** The counts of a worker that ends. */
  | { readonly kind: 'last-metrics'; readonly metrics: readonly ToldMetric[] };

/** From a worker about the connections that it is handed. */
export type OfConnections =
  /** Said before the first byte is read: a connection of which it is not said may be given to another. */
  | { readonly kind: 'taken'; readonly id: number }
  /** It wants no more. */
  | { readonly kind: 'leaving' };

/** The place of a worker among those of its gateway, from 1 on; set by the primary alone, for the process it starts. */
export const WORKER_NUMBER_VARIABLE = 'GATEWARDEN_WORKER_NUMBER';
/** How many places there are; set in the same way. */
export const WORKER_COUNT_VARIABLE = 'GATEWARDEN_WORKER_COUNT';
