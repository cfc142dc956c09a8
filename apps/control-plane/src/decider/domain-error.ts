import type { ValidationFault } from '#libs/policy-contracts';

/** Why a command or query cannot be done. The web edge alone knows what HTTP makes of a code. */
export type DomainErrorCode = 'VALIDATION_FAILED' | 'NOT_FOUND' | 'CONFLICT' | 'ACCESS_DENIED' | 'UNAVAILABLE';

export class DomainError extends Error {
  constructor(
    readonly code: DomainErrorCode,
    message: string,
    /** Every fault at once, when the code is VALIDATION_FAILED. */
    readonly faults: readonly ValidationFault[] = [],
  ) {
    super(message);
    this.name = 'DomainError';
  }
}

export const notFound = (what: string): DomainError => new DomainError('NOT_FOUND', `${what} does not exist`);
export const conflict = (message: string): DomainError => new DomainError('CONFLICT', message);

/** Something that the call cannot do without is away: nothing was recorded, and it may be tried again. */
export const unavailable = (message: string): DomainError => new DomainError('UNAVAILABLE', message);

/** One sentence for the caller; the faults go beside it. */
export function invalid(faults: readonly ValidationFault[]): DomainError {
  const [first] = faults;
  const message = faults.length === 1 && first !== undefined ? first.message : `${faults.length} fields are not valid`;
  return new DomainError('VALIDATION_FAILED', message, faults);
}

export const invalidField = (field: string, code: string, message: string): DomainError =>
  invalid([{ field, code, message }]);
