import type { ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TraceSettings } from '../config/observability-settings.ts';
import type { SpanOrigin } from './exchange-spans.ts';
import type { SendSpans } from './span-queue.ts';

/** One try of one batch, with what the exporter tries again by itself. */
const EXPORT_TIMEOUT_MS = 10_000;

/** The OpenTelemetry parts of a program that was asked for traces; others never load them. */
export interface LoadedExporter {
  readonly origin: SpanOrigin;
  readonly send: SendSpans;
  close(): Promise<void>;
}

/** What a program says of itself with its spans. */
export interface ProgramIdentity {
  readonly version: string;
  readonly gatewayId: string;
  readonly environment: string;
}

const tracesUrl = (endpoint: string): string => {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/traces`;
  return url.href;
};

/** Not its text, which may hold the address with its credentials: the status of the answer, or the code of the system. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : error.name;
}

/** `ExportResultCode.SUCCESS`, whose package is loaded only where traces are on. */
const isTaken = (code: number): boolean => code === 0;

const sendBy =
  (exporter: SpanExporter): SendSpans =>
  (spans) =>
    new Promise((resolve) => {
      const done = ({ code, error }: ExportResult): void => resolve(isTaken(code) ? undefined : codeOf(error));
      try {
        exporter.export(spans as ReadableSpan[], done);
      } catch (error) {
        resolve(codeOf(error));
      }
    });

/** Loads the exporter: OTLP over HTTP, in JSON. */
export async function loadExporter(settings: TraceSettings, program: ProgramIdentity): Promise<LoadedExporter> {
  const [{ OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const exporter = new OTLPTraceExporter({
    url: tracesUrl(settings.endpoint),
    headers: { ...settings.headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const { version, gatewayId, environment } = program;
  const resource = resourceFromAttributes({
    'service.name': settings.serviceName,
    'service.version': version,
    'service.instance.id': gatewayId,
    'deployment.environment.name': environment,
  });
  return {
    origin: { resource, instrumentationScope: { name: 'gatewarden', version } },
    send: sendBy(exporter),
    close: () => exporter.shutdown(),
  };
}
