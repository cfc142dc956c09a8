import { SettingsReader } from '#libs/program-shell';
import { observabilitySettings } from './observability-settings.ts';

const read = (variables: Record<string, string>) => {
  const reader = new SettingsReader(variables);
  return { ...observabilitySettings(reader), faults: reader.faults };
};
const ENDPOINT = 'https://collector.example:4318/base';

describe('the settings of access log and traces', () => {
  it('turn nothing on by themselves', () => {
    expect(read({})).toEqual({ accessLog: undefined, traces: undefined, faults: [] });
    expect(read({ OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER_ARG: '1' }).traces).toBeUndefined();
    expect(read({ ACCESS_LOG_ALWAYS: 'none', ACCESS_LOG_SAMPLE_RATE: '0' }).accessLog).toBeUndefined();
  });

  it('write errors always once the access log is on, unless told otherwise, and errors alone where asked for', () => {
    expect(read({ ACCESS_LOG_SAMPLE_RATE: '0.25' }).accessLog).toEqual({ sampleRate: 0.25, alwaysErrors: true });
    expect(read({ ACCESS_LOG_SAMPLE_RATE: '1', ACCESS_LOG_ALWAYS: 'none' }).accessLog).toEqual({
      ...{ sampleRate: 1, alwaysErrors: false },
    });
    expect(read({ ACCESS_LOG_ALWAYS: 'errors' }).accessLog).toEqual({ sampleRate: 0, alwaysErrors: true });
  });

  it('read the variables of OpenTelemetry', () => {
    expect(
      read({
        OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT,
        OTEL_EXPORTER_OTLP_HEADERS: 'api-key=a%2Cb%3D, x-tenant = t',
        OTEL_TRACES_SAMPLER_ARG: '.5',
      }).traces,
    ).toEqual({
      ...{ endpoint: ENDPOINT, serviceName: 'gatewarden-gateway', ratio: 0.5 },
      headers: { 'api-key': 'a,b=', 'x-tenant': 't' },
    });
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SERVICE_NAME: 'edge' }).traces).toEqual({
      ...{ endpoint: ENDPOINT, serviceName: 'edge', ratio: 1, headers: {} },
    });
  });

  it('are named when they are wrong, without their values', () => {
    const { faults } = read({
      ...{ ACCESS_LOG_SAMPLE_RATE: '1.1', ACCESS_LOG_ALWAYS: 'some', OTEL_TRACES_SAMPLER_ARG: '-1' },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://x', OTEL_EXPORTER_OTLP_HEADERS: 'secret' },
    });
    expect(faults).toEqual([
      'ACCESS_LOG_SAMPLE_RATE must be a number from 0 to 1',
      'ACCESS_LOG_ALWAYS must be one of none, errors',
      'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL starting with http:// or https://',
      'OTEL_EXPORTER_OTLP_HEADERS must be a comma-separated list of name=value',
      'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1',
    ]);
    for (const headers of ['a b=c', 'a=%zz', 'a=x%0d%0ay', '=x']) {
      expect(read({ OTEL_EXPORTER_OTLP_HEADERS: headers }).faults).toHaveLength(1);
    }
  });
});
