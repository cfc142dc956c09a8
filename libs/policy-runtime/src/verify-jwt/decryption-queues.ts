import { jweFamily, type JweKeyAlgorithmName } from '#libs/jwt-engine';
import { WorkQueue } from './work-queue.ts';

/**
 * Queues of the whole process for tokens that keep the thread pool busy. The pool serves in order of arrival whoever asks, looking
 * up a backend's address too, and anybody can send what only a private key tells from a good token: without a limit a burst of
 * such tokens stops the whole gateway for as long as all of them take. What finds no place in line is not judged at all.
 *
 * The pool has four threads. A password takes two: the usual 10,000 iterations are some 10 ms and the million that a token may ask
 * for about a second, so who waits longest waits a third of a second as a rule and half a minute at worst. A private key takes
 * one to five milliseconds: who waits longest waits a second.
 */
const PASSWORDS = new WorkQueue({ atOnce: 2, waiting: 64 });
const PRIVATE_KEYS = new WorkQueue({ atOnce: 4, waiting: 512 });

/** Where tokens of an algorithm wait for their turn; undefined: a secret opens them in microseconds. */
export function decryptionQueueOf(algorithm: JweKeyAlgorithmName): WorkQueue | undefined {
  switch (jweFamily(algorithm)) {
    case 'password':
      return PASSWORDS;
    case 'rsa':
    case 'agreement':
      return PRIVATE_KEYS;
    case 'direct':
    case 'wrap':
    case 'gcm-wrap':
      return undefined;
  }
}
