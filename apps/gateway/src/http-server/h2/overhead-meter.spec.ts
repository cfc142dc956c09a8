import { OverheadMeter } from './overhead-meter.ts';

const KIB = 1024;

describe('OverheadMeter', () => {
  it('grants 256 KiB in each second beside requests, and not an octet more', () => {
    const meter = new OverheadMeter(256 * 1024);
    expect(meter.isTooMuch(256 * KIB, 0)).toBe(false);
    expect(meter.isTooMuch(512 * KIB, 0)).toBe(false);
    expect(meter.isTooMuch(768 * KIB + 1, 0)).toBe(true);
  });

  it('takes a quiet second for no savings', () => {
    const meter = new OverheadMeter(256 * 1024);
    expect(meter.isTooMuch(0, 0)).toBe(false);
    expect(meter.isTooMuch(256 * KIB + 1, 0)).toBe(true);
  });

  it('lets requests, bodies in frames of a usual size and updates of windows for answers through', () => {
    const meter = new OverheadMeter(256 * 1024);
    const million = 1_000_000;
    meter.request(million);
    meter.received(million);
    meter.sent(million);
    expect(meter.isTooMuch(4 * million, 0)).toBe(false);
  });

  it('waits for bodies that nobody has read yet, and forgives them when their requests are over', () => {
    const meter = new OverheadMeter(256 * 1024);
    const waiting = 100 * 65_535;
    expect(meter.isTooMuch(waiting + 256 * KIB, 100)).toBe(false);
    for (let over = 0; over < 100; over += 1) meter.requestOver();
    expect(meter.isTooMuch(waiting + 256 * KIB, 0)).toBe(false);
  });

  it('keeps in mind what is owed: a flood in the shade of requests under way is ended a little later', () => {
    const meter = new OverheadMeter(256 * 1024);
    let seconds = 1;
    while (!meter.isTooMuch(seconds * KIB * KIB, 100)) seconds += 1;
    // 6.25 MiB may wait, 0.75 MiB a second are owed.
    expect(seconds).toBe(9);
  });
});
