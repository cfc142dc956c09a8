import type { SettingsReader } from '#libs/program-shell';
import { certificateOf, readCertificateTexts } from '../http-server/listener/certificate.ts';
import {
  LISTENER_DEFAULTS,
  type ListenerSettings,
  type TlsSettings,
} from '../http-server/listener/listener-settings.ts';

export interface ListenerConfig {
  readonly listener: ListenerSettings;
}

const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const STREAMS = [1, 10_000] as const;
const HANDSHAKE_MS = [100, 600_000] as const;
const WEBSOCKET_IDLE_MS = [1_000, 7 * 86_400_000] as const;

const flag = (reader: SettingsReader, name: string, value: boolean): boolean =>
  reader.oneOf(name, ['true', 'false'], `${value}`) === 'true';

/** The files are read here as well: a gateway that could not answer one handshake does not start. */
function tlsSettings(reader: SettingsReader): TlsSettings | undefined {
  const certFile = reader.text('TLS_CERT_FILE');
  const keyFile = reader.text('TLS_KEY_FILE');
  const minVersion = reader.oneOf('TLS_MIN_VERSION', TLS_VERSIONS, 'TLSv1.2');
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    reader.faults.push('TLS_CERT_FILE and TLS_KEY_FILE must be set together');
    return undefined;
  }
  const settings: TlsSettings = { certFile, keyFile, minVersion };
  const read = readCertificateTexts(settings);
  if (!read.ok) reader.faults.push(...read.faults);
  else {
    const made = certificateOf(read.texts, minVersion);
    if (!made.ok) reader.faults.push(made.fault);
  }
  return settings;
}

/** Reads what stands between a connection and its requests; what is wrong with it is among the reader's faults. */
export function listenerSettings(reader: SettingsReader): ListenerConfig {
  const defaults = LISTENER_DEFAULTS;
  const { handshakeTimeoutMs, webSocketIdleTimeoutMs } = defaults;
  return {
    listener: {
      proxyProtocol: flag(reader, 'PROXY_PROTOCOL', defaults.proxyProtocol),
      tls: tlsSettings(reader),
      http2: flag(reader, 'HTTP2', defaults.http2),
      http2MaxStreams: reader.integer('HTTP2_MAX_STREAMS', STREAMS, defaults.http2MaxStreams),
      http2OverheadBytesPerSecond: defaults.http2OverheadBytesPerSecond,
      handshakeTimeoutMs: reader.integer('HANDSHAKE_TIMEOUT_MS', HANDSHAKE_MS, handshakeTimeoutMs),
      webSocketIdleTimeoutMs: reader.integer('WEBSOCKET_IDLE_TIMEOUT_MS', WEBSOCKET_IDLE_MS, webSocketIdleTimeoutMs),
    },
  };
}
