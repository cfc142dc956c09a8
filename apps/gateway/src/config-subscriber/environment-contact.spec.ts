import { EnvironmentContact } from './environment-contact.ts';

describe('the contact with an environment', () => {
  it('was never made at first', () => {
    const contact = new EnvironmentContact(() => 5);
    expect([contact.isLive, contact.ageMs]).toEqual([false, Infinity]);
  });

  it('grows old from the last time it was made, and is live until it is lost', () => {
    let nowMs = 1_000;
    const contact = new EnvironmentContact(() => nowMs);
    contact.made();
    nowMs += 400;
    expect([contact.isLive, contact.ageMs]).toEqual([true, 400]);
    contact.lost();
    nowMs += 100;
    expect([contact.isLive, contact.ageMs]).toEqual([false, 500]);
    contact.made();
    expect([contact.isLive, contact.ageMs]).toEqual([true, 0]);
  });
});
