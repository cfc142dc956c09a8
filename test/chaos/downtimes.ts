/** When gateways were away because somebody killed them: from just before the signal until they were ready again. */
export class Downtimes {
  private readonly windows = new Map<string, { fromMs: number; untilMs: number }[]>();

  begin(gatewayId: string): void {
    const known = this.windows.get(gatewayId) ?? [];
    known.push({ fromMs: performance.now(), untilMs: Number.POSITIVE_INFINITY });
    this.windows.set(gatewayId, known);
  }

  end(gatewayId: string): void {
    const last = this.windows.get(gatewayId)?.at(-1);
    if (last !== undefined) last.untilMs = performance.now();
  }

  /** Whether the gateway was away at any moment between the two, by `performance.now()`. */
  touch(gatewayId: string, fromMs: number, untilMs: number): boolean {
    return (this.windows.get(gatewayId) ?? []).some((window) => window.fromMs <= untilMs && window.untilMs >= fromMs);
  }
}
