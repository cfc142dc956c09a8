/** What gateways were said to have applied, in answers of apiops: from then on they serve nothing older. */
export class AppliedFloors {
  private readonly floors = new Map<string, number>();

  raise(gatewayId: string, proxy: string, deployment: number): void {
    const key = `${gatewayId} ${proxy}`;
    this.floors.set(key, Math.max(deployment, this.of(gatewayId, proxy)));
  }

  of(gatewayId: string, proxy: string): number {
    return this.floors.get(`${gatewayId} ${proxy}`) ?? 0;
  }
}
