/** Counts what matching costs, for whoever wants to know: the time a text can take is bounded by steps, not by a clock. */
export interface StepMeter {
  steps: number;
}
