/** Series of one metric at most; what comes after them is counted together, each label `other`. */
export const MOST_SERIES = 20_000;

/**
 * The series of one metric by their labels. Bounded: a memory that grows with every label, and metrics that nobody can
 * read any more, are worse than what is no longer told apart.
 */
export class BoundedSeries<Label extends string, Value> implements Iterable<{
  readonly labels: Readonly<Record<Label, string>>;
  readonly value: Value;
}> {
  private readonly known = new Map<string, { labels: Readonly<Record<Label, string>>; value: Value }>();

  constructor(
    private readonly labelNames: readonly Label[],
    private readonly make: () => Value,
    private readonly most: number = MOST_SERIES,
  ) {}

  of(labels: Readonly<Record<Label, string>>): Value {
    const key = this.keyOf(labels);
    const found = this.known.get(key);
    if (found !== undefined) return found.value;
    if (this.known.size < this.most) return this.add(key, labels);
    const other = Object.fromEntries(this.labelNames.map((name) => [name, 'other'])) as Record<Label, string>;
    const otherKey = this.keyOf(other);
    return this.known.get(otherKey)?.value ?? this.add(otherKey, other);
  }

  [Symbol.iterator](): Iterator<{ readonly labels: Readonly<Record<Label, string>>; readonly value: Value }> {
    return this.known.values();
  }

  private add(key: string, labels: Readonly<Record<Label, string>>): Value {
    const value = this.make();
    this.known.set(key, { labels, value });
    return value;
  }

  private keyOf(labels: Readonly<Record<Label, string>>): string {
    return this.labelNames.map((name) => labels[name]).join('\n');
  }
}
