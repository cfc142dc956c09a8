import { describe, expect, it } from '@jest/globals';
import { StopRequests } from './stop-signals.ts';

describe('Ctrl-C', () => {
  it('counts once though the terminal and npm both pass it on', () => {
    const requests = new StopRequests();
    expect([requests.note(1000), requests.note(1001), requests.note(1600)]).toEqual(['first', 'same-key', 'same-key']);
  });

  it('kills when it is pressed again later', () => {
    const requests = new StopRequests();
    requests.note(1000);
    expect(requests.note(1700)).toBe('again');
  });
});
