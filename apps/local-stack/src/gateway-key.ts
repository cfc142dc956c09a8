import path from 'node:path';
import { type ApiopsClient } from './apiops-client.ts';
import { readSecretFile, writeSecretFile } from './secret-file.ts';
import { StackFault } from './stack-fault.ts';

export const ENVIRONMENT = 'production';

/**
 * Makes sure that the environment exists and returns its gateway key, which apiops shows once: it is kept in
 * `<dataDir>/gateway-production.key` (mode 0600). Where that file is gone a further key is asked for.
 *
 * @throws StackFault `APIOPS_REFUSED`
 */
export async function ensureEnvironment(apiops: ApiopsClient, dataDir: string): Promise<string> {
  const file = path.join(dataDir, `gateway-${ENVIRONMENT}.key`);
  const description = 'where the gateways of npm run up serve';
  const created = await apiops.call('POST', '/environments/', { name: ENVIRONMENT, description });
  const kept = readSecretFile(file);
  if (created.kind === 'exists' && kept !== null && kept !== '') return kept;
  const answer =
    created.kind === 'done' ? created : await apiops.call('POST', `/environments/${ENVIRONMENT}/keys/`, {});
  const key = answer.kind === 'done' ? answer.answer.resultList[0]?.['gatewayKey'] : undefined;
  if (typeof key !== 'string') {
    throw new StackFault('APIOPS_REFUSED', `apiops gave no gateway key for environment ${ENVIRONMENT}`);
  }
  writeSecretFile(file, key);
  return key;
}
