import type { ContractWarning, ValidationFault } from '#libs/policy-contracts';
import type { DeploymentResult } from '../deployment-requests/deployment-results.ts';
import { shownText } from './shown-text.ts';

/** Both generations of the vendor's clients find what they look for (contract part 4). */
export interface SuccessEnvelope {
  readonly success: true;
  readonly status: 'SUCCESS';
  readonly resultList?: readonly unknown[];
  readonly resultCount?: number;
  readonly deploymentResult?: DeploymentResult;
  readonly warnings?: readonly ContractWarning[];
}

export interface FailureEnvelope {
  readonly success: false;
  readonly status: 'FAILURE';
  readonly error: string;
  readonly error_description: string;
  readonly resultMessage: string;
  readonly validation_errors?: readonly ValidationFault[];
}

interface SuccessContent {
  readonly results?: readonly unknown[];
  readonly deploymentResult?: DeploymentResult;
  readonly warnings?: readonly ContractWarning[];
}

export function success({ results, deploymentResult, warnings }: SuccessContent = {}): SuccessEnvelope {
  return {
    success: true,
    status: 'SUCCESS',
    ...(results === undefined ? {} : { resultList: results, resultCount: results.length }),
    ...(deploymentResult === undefined ? {} : { deploymentResult }),
    ...(warnings === undefined || warnings.length === 0 ? {} : { warnings: shownFaults(warnings) }),
  };
}

/** Enough to repair a body by; a hostile one has a hundred thousand. */
const FAULTS_SHOWN = 100;

const shownFaults = <Fault extends ContractWarning>(faults: readonly Fault[]): Fault[] =>
  faults
    .slice(0, FAULTS_SHOWN)
    .map((fault) => ({ ...fault, field: shownText(fault.field), message: shownText(fault.message) }));

export function failure(error: string, message: string, faults: readonly ValidationFault[] = []): FailureEnvelope {
  const rest = faults.length > FAULTS_SHOWN ? `; the first ${FAULTS_SHOWN} are named` : '';
  const description = shownText(message) + rest;
  return {
    success: false,
    status: 'FAILURE',
    error,
    error_description: description,
    resultMessage: description,
    ...(faults.length === 0 ? {} : { validation_errors: shownFaults(faults) }),
  };
}
