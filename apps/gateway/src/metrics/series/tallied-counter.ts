import { Counter, type Registry } from 'prom-client';
import { BoundedSeries } from './bounded-series.ts';

/** One series of a counter. To count is to add to it. */
export interface Tally {
  count: number;
}

interface CounterWishes<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registry: Registry;
}

/**
 * A counter whose series are numbers, read when the metrics are: `inc` of prom-client costs some 0.2 µs, which a request
 * of 20 µs would pay for each metric.
 */
export class TalliedCounter<Label extends string> {
  private readonly series: BoundedSeries<Label, Tally>;

  constructor({ name, help, labelNames, registry }: CounterWishes<Label>) {
    const series = new BoundedSeries<Label, Tally>(labelNames, () => ({ count: 0 }));
    this.series = series;
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect: function () {
        this.reset();
        for (const { labels, value } of series) this.inc(labels, value.count);
      },
    });
  }

  /** The series of these labels: to be kept, finding it costs more than counting. */
  of(labels: Readonly<Record<Label, string>>): Tally {
    return this.series.of(labels);
  }
}
