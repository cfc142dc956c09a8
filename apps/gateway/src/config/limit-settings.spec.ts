import { SettingsReader } from '#libs/program-shell';
import { DEFAULT_LIMITS } from '../http-server/request-limits.ts';
import { forwardingSettings } from './forwarding-settings.ts';
import { limitSettings } from './limit-settings.ts';
import { settingsHelp } from './settings-help.ts';

const NAMES = [
  ...['MAX_HEADER_BYTES', 'MAX_HEADER_LINES', 'MAX_URL_BYTES', 'MAX_BODY_BYTES', 'MAX_BUFFERED_BODY_BYTES'],
  ...['MAX_TOKEN_BODY_BYTES', 'HEADER_TIMEOUT_MS', 'BODY_TIMEOUT_MS', 'BODY_IDLE_TIMEOUT_MS', 'WRITE_IDLE_TIMEOUT_MS'],
  ...['CLIENT_IDLE_TIMEOUT_MS', 'MAX_CONNECTIONS', 'MAX_REQUESTS_IN_FLIGHT', 'MAX_HEAP_PERCENT'],
];

describe('the limits of a gateway', () => {
  it('have defaults', () => {
    expect(limitSettings(new SettingsReader({}))).toEqual({ limits: DEFAULT_LIMITS });
  });

  it('are each read from a variable of its own, which the help names', () => {
    const values = NAMES.map((name, at) => [name, name === 'MAX_HEAP_PERCENT' ? '7' : String(2_000 + at)] as const);
    const reader = new SettingsReader(Object.fromEntries(values));
    const { limits } = limitSettings(reader);
    expect(reader.faults).toEqual([]);
    expect(Object.values(limits).sort()).toEqual(values.map(([, value]) => Number(value)).sort());
    for (const name of NAMES) expect(settingsHelp()).toContain(` ${name} `);
  });

  it('name what is wrong with them', () => {
    const reader = new SettingsReader({ MAX_HEADER_BYTES: '10', MAX_HEAP_PERCENT: '101', MAX_CONNECTIONS: '0' });
    limitSettings(reader);
    expect(reader.faults.map((fault) => fault.split(' ')[0])).toEqual([
      'MAX_HEADER_BYTES',
      'MAX_CONNECTIONS',
      'MAX_HEAP_PERCENT',
    ]);
  });
});

describe('FORWARDED_HEADER', () => {
  it.each([
    [{}, false],
    [{ FORWARDED_HEADER: 'on' }, true],
    [{ FORWARDED_HEADER: 'off' }, false],
  ])('%j', (variables, addsForwarded) => {
    expect(forwardingSettings(new SettingsReader(variables))).toEqual({ addsForwarded });
  });
});
