/** Every fault that ends `npm run up` with an explanation instead of a stack trace. */
export type StackFaultCode =
  'USAGE' | 'PORT_TAKEN' | 'LEFTOVER_RUNNING' | 'CHILD_FAILED' | 'NOT_READY' | 'APIOPS_REFUSED' | 'DEMO_NOT_READY';

export class StackFault extends Error {
  constructor(
    readonly code: StackFaultCode,
    message: string,
    /** What the person can do about it, one line each. */
    readonly remedies: readonly string[] = [],
  ) {
    super(message);
    this.name = 'StackFault';
  }
}
