import { EnvironmentContact } from './environment-contact.ts';

describe('the contact with an environment', () => {
  it('was never made at first', () => {
    const contact = new EnvironmentContact(() => 5);
    expect([contact.isLive, contact.ageMs]).toEqual([false, Infinity]);
  });

  it('grows old from the last time it was made, and is live until it is lost', () => {
    let nowMs = 1_000;
    const contact = new EnvironmentContact(() => nowMs);
    contact.looking()();
    nowMs += 400;
    expect([contact.isLive, contact.ageMs]).toEqual([true, 400]);
    contact.lost();
    nowMs += 100;
    expect([contact.isLive, contact.ageMs]).toEqual([false, 500]);
    contact.looking()();
    expect([contact.isLive, contact.ageMs]).toEqual([true, 0]);
  });

  it('is as old as the look that made it', () => {
    let nowMs = 1_000;
    const contact = new EnvironmentContact(() => nowMs);
    const made = contact.looking();
    nowMs += 250;
    made();
    expect([contact.isLive, contact.ageMs]).toEqual([true, 250]);
  });

  it('stays lost when the connection went while Redis was looked at, until the next look', () => {
    const contact = new EnvironmentContact(() => 1_000);
    const made = contact.looking();
    contact.lost();
    made();
    expect([contact.isLive, contact.ageMs]).toEqual([false, 0]);
    contact.looking()();
    expect(contact.isLive).toBe(true);
  });
});
