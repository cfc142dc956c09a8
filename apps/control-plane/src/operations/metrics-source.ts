const WITHIN_MS = 1_000;

/** A place that is asked for what metrics show, and may be away. */
export class MetricsSource {
  private running: Promise<boolean> | undefined;

  constructor(private readonly refresh: () => Promise<void>) {}

  /** Whether it was asked successfully and in time. One that hangs is not asked again before it has answered. */
  async refreshed(): Promise<boolean> {
    this.running ??= this.refresh()
      .then(
        () => true,
        () => false,
      )
      .finally(() => (this.running = undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), WITHIN_MS)));
    const isFresh = await Promise.race([this.running, late]);
    clearTimeout(timer);
    return isFresh;
  }
}
