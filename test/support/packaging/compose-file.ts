import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { type Invocation } from './invocation.ts';
import { ROOT } from './declared-settings.ts';

export interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly target: string };
  readonly user: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly secrets?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly networks?: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly mem_limit: string;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[];
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
}

/** `docker-compose.yml` as it is without an `.env` beside it: every variable has its default. */
export function readComposeFile(): ComposeFile {
  const text = readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  const filled = text.replaceAll(/\$\{(\w+)(?::-([^}]*))?\}/g, (_all, name: string, value?: string) => {
    if (value === undefined) throw new Error(`docker-compose.yml: ${name} has no default`);
    return value;
  });
  // Our own file: its anchors build on each other, which the guard against hostile files counts as too many.
  return parse(filled, { merge: true, maxAliasCount: -1 }) as ComposeFile;
}

/** Where a volume, `<source>:<target>[:ro]`, is mounted. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
}

export function mountsOf({ volumes = [] }: ComposeService): readonly Mount[] {
  return volumes.map((volume) => {
    const [source = '', target = '', mode] = volume.split(':');
    return { source, target, isReadOnly: mode === 'ro' };
  });
}

/** `<address>:<published>:<inner>`. */
export function portsOf({
  ports = [],
}: ComposeService): readonly { address: string; published: number; inner: number }[] {
  return ports.map((port) => {
    const [address = '', published, inner] = port.split(':');
    return { address, published: Number(published), inner: Number(inner) };
  });
}

const portIn = (text: string): number[] => [...text.matchAll(/:(\d+)\//g)].map(([, port]) => Number(port));

/** All values as a container gets them: texts. */
export const environmentOf = ({ environment = {} }: ComposeService): Record<string, string> =>
  Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));

/** Stages of the Dockerfile that an image is built from: one for each service that builds it. */
export const targetsOf = ({ services }: ComposeFile, image: string): readonly string[] =>
  Object.values(services).flatMap((service) =>
    service.image === image && service.build !== undefined ? [service.build.target] : [],
  );

export const isOurs = ({ image }: ComposeService): boolean => image.startsWith('gatewarden');

export function invocationOf(name: string, service: ComposeService): Invocation {
  const mounts = mountsOf(service);
  const probed = (service.healthcheck?.test ?? []).flatMap(portIn);
  return {
    where: `docker-compose.yml, ${name}`,
    command: service.command ?? [],
    environment: environmentOf(service),
    ports: [...portsOf(service).map(({ inner }) => inner), ...probed],
    readOnly: [
      ...(service.secrets ?? []).map((secret) => `/run/secrets/${secret}`),
      ...mounts.filter(({ isReadOnly }) => isReadOnly).map(({ target }) => target),
    ],
    writable: mounts.filter(({ isReadOnly }) => !isReadOnly).map(({ target }) => target),
  };
}
