import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MESSAGE_BYTES_MAX } from '@paceline/log/limits';
import { ENVIRONMENT } from '@paceline/runtime';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { SERVICES } from './processes.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface ComposeService {
  readonly build?: { readonly dockerfile: string };
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly mem_limit?: string;
  readonly cpus?: number;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: unknown;
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const known = new Set(ENVIRONMENT.map(({ variable }) => variable));

describe('docker-compose.yml', () => {
  it.each(SERVICES)('%s runs its main.ts without rights, within limits', (name) => {
    const service = compose.services[name]!;
    expect(service.command).toHaveLength(1);
    expect(existsSync(join(ROOT, service.command?.[0] ?? ''))).toBe(true);
    expect(service.command?.[0]).toBe(`services/${name}/src/main.ts`);
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' });
    expect(service.security_opt).toContain('no-new-privileges:true');
    for (const variable of Object.keys(service.environment ?? {})) expect(known, variable).toContain(variable);
    for (const place of ['KAFKA_BROKERS', 'CLICKHOUSE_URL', 'REDIS_URL', 'KEYS_FILE'])
      expect(service.environment).toHaveProperty(`PACELINE_${place}`);
  });

  it('everything has limits, and every server a health check and a volume', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service.mem_limit, name).toBeDefined();
      expect(service.cpus, name).toBeDefined();
    }
    for (const name of ['kafka', 'clickhouse', 'redis']) {
      const { healthcheck, volumes = [] } = compose.services[name]!;
      expect(healthcheck, name).toBeDefined();
      expect(
        volumes.some((volume) => Object.hasOwn(compose.volumes, volume.split(':')[0] ?? '')),
        name,
      ).toBe(true);
    }
  });

  it('only the front is reached from outside, and from this machine alone unless told otherwise', () => {
    for (const [name, { ports }] of Object.entries(compose.services))
      if (name !== 'front') expect(ports, name).toBeUndefined();
    for (const port of compose.services.front?.ports ?? []) expect(port).toContain('127.0.0.1');
  });

  it('mounts files that are there', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes = [] }) => volumes);
    const files = mounted.map((volume) => volume.split(':')[0] ?? '').filter((path) => path.startsWith('./'));
    expect(files.length).toBeGreaterThan(2);
    for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
  });
});

describe('the image', () => {
  const dockerfile = read('infra/Dockerfile');

  it('does not run as root and says how it is', () => {
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^HEALTHCHECK .*\n {2}CMD .*\/health\/live/m);
  });

  it('installs the workspaces of all services, and sets variables that exist', () => {
    for (const name of SERVICES) expect(dockerfile).toContain(`--workspace services/${name}`);
    for (const [variable] of dockerfile.matchAll(/PACELINE_\w+(?==)/g))
      if (variable !== 'PACELINE_DIR') expect(known, variable).toContain(variable);
  });
});

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template?: {
      readonly spec: {
        readonly securityContext: Readonly<Record<string, unknown>>;
        readonly containers: readonly Readonly<Record<string, unknown>>[];
      };
    };
  };
}

describe('the manifests of Kubernetes', () => {
  const manifests = parseAllDocuments(read('infra/kubernetes/paceline.yaml')).map(
    (document) => document.toJS() as Manifest,
  );
  const deployment = (name: string) =>
    manifests.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name)?.spec.template?.spec;

  it.each([...SERVICES, 'front'])('%s is probed, limited and without rights', (name) => {
    const pod = deployment(name);
    const container = pod?.containers[0];
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(container).toMatchObject({
      livenessProbe: expect.anything(),
      readinessProbe: expect.anything(),
      resources: { limits: { cpu: expect.anything(), memory: expect.anything() } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    });
    if (name !== 'front') expect(container?.args).toEqual([`services/${name}/src/main.ts`]);
  });

  it('what the front reaches has a service of that name', () => {
    const upstreams = [...read('infra/nginx.conf').matchAll(/server (\w+):\d+;/g)].map(([, name]) => name);
    const names = manifests.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name);
    expect(new Set(upstreams)).toEqual(new Set(['connectors', 'catalog', 'query', 'alerts']));
    expect(names).toEqual(expect.arrayContaining([...new Set(upstreams)]));
  });
});

describe('what administrators run', () => {
  it('makes topics in the shape that the services demand', () => {
    const script = read('infra/kafka/topics.sh');
    expect(script).toContain(`max.message.bytes=${MESSAGE_BYTES_MAX + 1024 * 1024}`);
    expect(script).toMatch(/--partitions 1 /);
    expect(script).toContain('message.timestamp.type=LogAppendTime');
    expect(script).toContain('create "facts.$workspace" -1');
    expect(script).toContain(`create alerts ${91 * 86_400_000}`);
  });

  it('replicates every table', () => {
    const folder = join(ROOT, 'libs/store/src/migrations');
    const tables = readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/^CREATE TABLE IF NOT EXISTS (\w+)/gm)].map(
        ([, name]) => name,
      ),
    );
    const script = read('infra/clickhouse/replicated.sql');
    const replicated = [...script.matchAll(/^ATTACH TABLE paceline\.(\w+) AS REPLICATED;$/gm)].map(([, name]) => name);
    expect(replicated.toSorted()).toEqual(['schema_migration', ...tables].toSorted());
  });
});
