import type { KeyObject } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** Here and not in a file of its own, which would have to be found from source and from what is built. */
const OPENER = `
const { parentPort, workerData: { der, passphrase } } = require('node:worker_threads');
const { createPrivateKey } = require('node:crypto');
try {
  const key = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8', passphrase });
  parentPort.postMessage({ key });
} catch (error) {
  parentPort.postMessage({ code: String(error?.code) });
}`;

/** OpenSSL's code stands for what it says, which is not passed on. */
export type OpenedAside = { readonly key: KeyObject } | { readonly code: string };

/**
 * Opens an encrypted PKCS #8 key in a thread of its own: a key is derived from the password for that, which may take half a
 * second, and Node has no form of it that others need not wait for.
 */
export async function openAside(der: Buffer, passphrase: string): Promise<OpenedAside> {
  const worker = new Worker(OPENER, { eval: true, workerData: { der, passphrase }, env: {}, execArgv: [] });
  try {
    return await new Promise<OpenedAside>((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
      worker.once('exit', () => reject(new Error('a thread that opens keys ended without an answer')));
    });
  } finally {
    await worker.terminate();
  }
}
