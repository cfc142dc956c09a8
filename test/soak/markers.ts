/** Which numbers the changing proxy may answer with: each change of it has the next one. */
export class Markers {
  /** The newest change that the control plane was asked for. */
  asked = 0;
  private deployedNumber = 0;
  private readonly newestAt = new Map<string, number>();

  /** Every gateway has it: nothing older may be answered to a request that is made from now on. */
  deployed(number: number): void {
    this.deployedNumber = number;
  }

  isDeployed(number: number): boolean {
    return this.deployedNumber >= number;
  }

  /** A gateway that answered with one does not go back to an older one. */
  seen(gatewayId: string, number: number): void {
    this.newestAt.set(gatewayId, Math.max(number, this.newestAt.get(gatewayId) ?? 0));
  }

  oldestAt(gatewayId: string): number {
    return Math.max(this.deployedNumber, this.newestAt.get(gatewayId) ?? 0);
  }
}
