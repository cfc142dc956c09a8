import type { SettingsReader } from '#libs/program-shell';

/** Which exchanges are written to the access log. */
export interface AccessLogSettings {
  /** Share of all exchanges, 0 to 1. */
  readonly sampleRate: number;
  /** Refusals, 5xx and broken exchanges are written whatever the rate. */
  readonly alwaysErrors: boolean;
}

/** Where traces go. */
export interface TraceSettings {
  /** Base address of an OTLP collector (HTTP); spans go to `/v1/traces` below it. */
  readonly endpoint: string;
  /** Sent with every export; may hold a secret. */
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of the traces that begin here, 0 to 1; others are recorded when the caller's are. */
  readonly ratio: number;
}

export interface ObservabilitySettings {
  /** Undefined: no access log. */
  readonly accessLog?: AccessLogSettings | undefined;
  /** Undefined: no traces. */
  readonly traces?: TraceSettings | undefined;
}

export const OBSERVABILITY_DEFAULTS = {
  accessLogSampleRate: 0,
  serviceName: 'gatewarden-gateway',
  traceRatio: 1,
} as const;

const RATE_FORM = 'a number from 0 to 1';
const HEADERS_FORM = 'a comma-separated list of name=value';
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function rateOf(text: string): number | undefined {
  const rate = Number(text);
  return /^\d*\.?\d+$/.test(text) && rate <= 1 ? rate : undefined;
}

/** As the OpenTelemetry specification has it: W3C Baggage without properties, values percent-encoded. */
function headersOf(text: string): Readonly<Record<string, string>> | undefined {
  const headers: Record<string, string> = {};
  for (const pair of text.split(',')) {
    const [, name = '', value = ''] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    try {
      const decoded = decodeURIComponent(value);
      if (!HEADER_NAME.test(name) || !/^[\t\x20-\x7e]*$/.test(decoded)) return undefined;
      headers[name] = decoded;
    } catch {
      return undefined;
    }
  }
  return headers;
}

function accessLogSettings(reader: SettingsReader): AccessLogSettings | undefined {
  const { accessLogSampleRate } = OBSERVABILITY_DEFAULTS;
  const sampleRate = reader.parsed('ACCESS_LOG_SAMPLE_RATE', RATE_FORM, rateOf) ?? accessLogSampleRate;
  const always = reader.oneOf('ACCESS_LOG_ALWAYS', ['none', 'errors'], sampleRate > 0 ? 'errors' : 'none');
  if (sampleRate === 0 && always === 'none') return undefined;
  return { sampleRate, alwaysErrors: always === 'errors' };
}

function traceSettings(reader: SettingsReader): TraceSettings | undefined {
  const { serviceName, traceRatio } = OBSERVABILITY_DEFAULTS;
  const endpoint = reader.url('OTEL_EXPORTER_OTLP_ENDPOINT', ['http:', 'https:']);
  const headers = reader.parsed('OTEL_EXPORTER_OTLP_HEADERS', HEADERS_FORM, headersOf) ?? {};
  const ratio = reader.parsed('OTEL_TRACES_SAMPLER_ARG', RATE_FORM, rateOf) ?? traceRatio;
  if (endpoint === undefined) return undefined;
  return { endpoint, headers, ratio, serviceName: reader.text('OTEL_SERVICE_NAME') ?? serviceName };
}

/** Reads what is written and sent about traffic beside the metrics; what is wrong with it is among the reader's faults. */
export const observabilitySettings = (reader: SettingsReader): ObservabilitySettings => ({
  accessLog: accessLogSettings(reader),
  traces: traceSettings(reader),
});
