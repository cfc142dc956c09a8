import { describeLoginThrottle } from '../../testing/describe-login-throttle.ts';
import { InMemoryLoginThrottle } from '../../testing/in-memory-login-throttle.ts';

describeLoginThrottle('InMemoryLoginThrottle', (limits) => {
  let nowMs = 1_000;
  const elapse = async (ms: number): Promise<void> => void (nowMs += ms);
  return { throttle: new InMemoryLoginThrottle(limits, () => nowMs), elapse };
});
