import type { Provider, Type } from '@nestjs/common';
import type { PostgresTransaction, Projection, Upcaster } from '#libs/event-store';

/** One folder's part of the control plane, as the composition root takes it in. */
export interface Slice {
  /** Served where the process has the role `api`. */
  readonly controllers: readonly Type[];
  /** Handlers of commands and queries, and what they need. */
  readonly providers: readonly Provider[];
  readonly projections?: readonly Projection<PostgresTransaction>[];
  /** By `upcasterKey`: events of an old shape get their next one when they are read. */
  readonly upcasters?: readonly (readonly [string, Upcaster])[];
}
