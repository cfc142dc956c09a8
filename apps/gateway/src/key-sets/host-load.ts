const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : '');

/** Counts fetches on their way by host. */
export class HostLoad {
  readonly #underWay = new Map<string, number>();

  constructor(private readonly atOnce: number) {}

  isFull(address: string): boolean {
    return (this.#underWay.get(hostOf(address)) ?? 0) >= this.atOnce;
  }

  async during<Result>(address: string, work: () => Promise<Result>): Promise<Result> {
    const host = hostOf(address);
    this.#underWay.set(host, (this.#underWay.get(host) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#underWay.get(host) ?? 0) - 1;
      if (left > 0) this.#underWay.set(host, left);
      else this.#underWay.delete(host);
    }
  }
}
