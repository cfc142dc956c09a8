/** Where lines go: the terminal, or a list in a test. */
export type WriteLine = (line: string) => void;

const STEP_COUNT = 8;
/** The first two steps, dependencies and build, are those of scripts/up.mjs. */
const STEPS = { data: 3, redis: 4, 'control plane': 5, gateways: 6, demo: 7, ready: 8 } as const;

export type StepName = keyof typeof STEPS;

/** One line of progress: `[5/8] control plane … ready`. */
export const stepLine = (step: StepName, message: string): string =>
  `[${STEPS[step]}/${STEP_COUNT}] ${step} … ${message}`;

/** What happened and what to do about it, for an expected fault. */
export function explainFault(fault: { readonly message: string; readonly remedies: readonly string[] }): string {
  return ['', fault.message, ...fault.remedies.map((remedy) => `  → ${remedy}`)].join('\n');
}
