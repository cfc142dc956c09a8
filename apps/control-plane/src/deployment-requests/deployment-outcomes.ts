import type { DeploymentOutcome } from './deployment-rows.ts';

/** What is said of a deployment that no gateway was asked about. */
export const nothingPublished = (message: string): DeploymentOutcome => ({
  message,
  gateways: { live: 0, applied: 0, rejected: 0, pending: 0 },
  detailList: [],
});

/** What is said of a deployment whose proxy has a newer one. @param deployment '' where its number is put behind that */
export const overtakenBy = (deployment: number | ''): string =>
  `Superseded; what gateways get instead is deployment ${deployment}`;
