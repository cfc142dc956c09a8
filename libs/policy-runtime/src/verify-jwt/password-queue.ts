import { WorkQueue } from './work-queue.ts';

/**
 * The queue of the whole process for tokens under a password, whose key is derived in the thread pool. That has four
 * threads: two stay free for everybody else's work. The usual 10,000 iterations take some 10 ms and the million that a token
 * may ask for about a second, so who waits longest waits a third of a second as a rule and half a minute at worst. Who
 * floods a gateway with more must not stop it: those tokens are not judged at all.
 */
export const PASSWORD_QUEUE = new WorkQueue({ atOnce: 2, waiting: 64 });
