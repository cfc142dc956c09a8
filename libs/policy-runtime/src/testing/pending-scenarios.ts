/** A row of `verify-jwt-scenarios.tsv` that this version does not cover, and why. */
export interface PendingScenario {
  readonly id: string;
  readonly reason: string;
}

const ENCRYPTED = 'encrypted tokens are not supported yet';
const JWKS_ADDRESS = 'JWKS by address is not supported yet';

export const PENDING_SCENARIOS: readonly PendingScenario[] = [
  ...['S15', 'A08', 'A09', 'A10', 'K28', 'K29', 'K30', 'K31', 'K32', 'K33', 'D13'].map((id) => ({
    id,
    reason: ENCRYPTED,
  })),
  ...['K20', 'K21', 'K22', 'K23'].map((id) => ({ id, reason: JWKS_ADDRESS })),
  { id: 'M21', reason: 'templates in the text of a map are not supported yet' },
];
