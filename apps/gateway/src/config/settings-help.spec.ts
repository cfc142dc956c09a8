import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gatewayKeyText, newGatewayKey } from '#libs/config-distribution';
import { readGatewayConfig } from './gateway.config.ts';
import { settingsHelp } from './settings-help.ts';

type Defaults = Readonly<Record<string, string>>;

const REFERENCE = path.join(import.meta.dirname, '../../../../docs/reference/settings.md');

/** Default of each setting that `--help` names. */
const helped = (): Defaults =>
  Object.fromEntries(
    [...settingsHelp().matchAll(/^ {2}([A-Z0-9_]+) {2,}(.+?) {2,}\S.*$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );

/** Default of each setting in the gateway's table of the reference; two in one row have two defaults, or one for both. */
function documented(): Defaults {
  const [, table = ''] = readFileSync(REFERENCE, 'utf8').split('## Gateway\n');
  const rows = [...table.matchAll(/^\| (`.+?) \| (.+?) \| .+\|$/gm)].map(([, names = '', defaults = '']) => {
    const settings = names.split(', ').map((name) => name.replaceAll('`', ''));
    const values = /^`[^`]+`, `[^`]+`$/.test(defaults) ? defaults.split(', ') : settings.map(() => defaults);
    return settings.map((name, at) => [name, values[at]?.replaceAll('`', '')] as const);
  });
  return Object.fromEntries(rows.flat()) as Defaults;
}

/** Every variable that the program looks at. */
function readNames(): readonly string[] {
  const names = new Set<string>();
  const required: Defaults = {
    ...{ GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY: gatewayKeyText(newGatewayKey()) },
    // The name of the service is read only where there are traces.
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
  };
  const get = (known: Defaults, name: string): string | undefined => {
    names.add(name);
    return known[name];
  };
  readGatewayConfig(new Proxy(required, { get }), 'edge');
  return [...names].sort();
}

describe('the settings of a gateway', () => {
  it('are the same in --help and in the reference, with the same defaults', () => {
    expect(helped()).toEqual(documented());
  });

  it('are all that the program reads', () => {
    expect(Object.keys(helped()).sort()).toEqual(readNames());
  });
});
