/** One thing that a program asks a server to do, under a name that is the same in every run. */
export interface Step {
  readonly name: string;
  /** Whether the server keeps what it was asked, so that it makes a difference to have been killed right after it. */
  readonly isKept: boolean;
}

export type Moment = 'before' | 'after';

/** Where a program is to be stopped: just before the server is asked, or when it has done it and nobody has heard. */
export interface Fault {
  readonly step: Step;
  readonly moment: Moment;
}

/**
 * What several `FaultProxy`s share: the one place at which everything between a program and its servers stands still, so
 * that the program can be killed there.
 */
export class FaultPoint {
  /** Nothing goes through any more, in either direction. */
  isStruck = false;
  private armed: (Fault & { readonly strike: () => void }) | undefined;
  private recorded: Map<string, Step> | undefined;

  /** Keeps the steps that are met from now on. */
  record(): void {
    this.recorded = new Map();
  }

  /** Those met since `record`, each once, in the order of their first time. */
  endRecord(): Step[] {
    const steps = [...(this.recorded?.values() ?? [])];
    this.recorded = undefined;
    return steps;
  }

  /** @returns what resolves when the step was met and everything stands still */
  arm(fault: Fault): Promise<void> {
    return new Promise((strike) => (this.armed = { ...fault, strike }));
  }

  /** Lets everything through again that comes from now on. */
  release(): void {
    this.armed = undefined;
    this.isStruck = false;
  }

  /** Asked by a proxy before it passes a step on. */
  meet(step: Step): Moment | undefined {
    this.recorded?.set(step.name, this.recorded.get(step.name) ?? step);
    return this.armed?.step.name === step.name ? this.armed.moment : undefined;
  }

  strike(): void {
    if (this.armed === undefined) return;
    this.isStruck = true;
    this.armed.strike();
  }
}
