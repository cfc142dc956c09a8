import { readFileSync } from 'node:fs';
import path from 'node:path';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { Namespace, Service, ServiceAccount } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { ROOT } from './declared-settings.ts';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object };
  readonly [member: string]: any;
}

interface JsonPatch {
  readonly op: string;
  readonly path: string;
  readonly value: unknown;
}

interface Kustomization {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newName: string; readonly newTag: string }[];
  readonly patches?: readonly {
    readonly target: { readonly kind: string; readonly name: string };
    readonly patch: string;
  }[];
}

/** All that our kustomizations use; anything else is refused, since it would not be read here. */
const KNOWN_MEMBERS = ['apiVersion', 'kind', 'namespace', 'resources', 'images', 'patches'];

const read = (file: string): string => readFileSync(file, 'utf8');

function readKustomization(directory: string): Kustomization {
  const kustomization = parse(read(path.join(directory, 'kustomization.yaml'))) as Kustomization;
  const unknown = Object.keys(kustomization).filter((member) => !KNOWN_MEMBERS.includes(member));
  if (unknown.length > 0) throw new Error(`${directory}: ${unknown.join(', ')} is not read by these tests`);
  return kustomization;
}

function loadResource(file: string): KubernetesObject[] {
  if (!file.endsWith('.yaml')) return buildDirectory(file);
  return parseAllDocuments(read(file)).map((document) => {
    for (const error of document.errors) throw error;
    return document.toJS() as KubernetesObject;
  });
}

/** `add` and `replace` of RFC 6902, with members that must be there. */
function applyPatch(object: any, { op, path: pointer, value }: JsonPatch): void {
  const steps = pointer.slice(1).split('/');
  const last = steps.pop() ?? '';
  const parent = steps.reduce((found, step) => found[step], object);
  if (op === 'add' && last === '-' && Array.isArray(parent)) parent.push(value);
  else if (op === 'replace' && last in parent) parent[last] = value;
  else throw new Error(`patch ${op} ${pointer} is not read by these tests, or there is no such member`);
}

function applyPatches(objects: readonly KubernetesObject[], { patches = [] }: Kustomization): void {
  for (const { target, patch } of patches) {
    const found = objects.filter(({ kind, metadata }) => kind === target.kind && metadata.name === target.name);
    if (found.length !== 1) throw new Error(`${found.length} objects are ${target.kind} ${target.name}`);
    for (const step of parse(patch) as JsonPatch[]) found.forEach((object) => applyPatch(object, step));
  }
}

const containersOf = (object: KubernetesObject): { image: string }[] =>
  object.kind === 'Deployment' ? object['spec'].template.spec.containers : [];

function nameImages(objects: readonly KubernetesObject[], { images = [] }: Kustomization): void {
  for (const container of objects.flatMap(containersOf)) {
    const image = images.find(({ name }) => name === container.image);
    if (image !== undefined) container.image = `${image.newName}:${image.newTag}`;
  }
}

function placed(object: KubernetesObject, namespace: string | undefined): KubernetesObject {
  if (namespace === undefined || object.kind === 'Namespace') return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

function buildDirectory(directory: string): KubernetesObject[] {
  const kustomization = readKustomization(directory);
  const objects = kustomization.resources.flatMap((resource) => loadResource(path.join(directory, resource)));
  applyPatches(objects, kustomization);
  nameImages(objects, kustomization);
  return objects.map((object) => placed(object, kustomization.namespace));
}

/** What `kubectl kustomize` makes of an overlay. */
export const buildOverlay = (name: string): KubernetesObject[] =>
  buildDirectory(path.join(ROOT, 'deploy/kubernetes/overlays', name));

const MODELS: Readonly<Record<string, new (data: any) => { validate(): void }>> = {
  ...{ Deployment, HorizontalPodAutoscaler, NetworkPolicy, PodDisruptionBudget, Namespace, Service, ServiceAccount },
};

/** Tells which members of a value were looked at: the schemas take members that they do not know. */
class Watched {
  private readonly seen = new Set<string>();

  of<Value>(value: Value, at: string): Value {
    if (typeof value !== 'object' || value === null) return value;
    return new Proxy(value, {
      get: (target, member, receiver) => {
        const found: unknown = Reflect.get(target, member, receiver);
        if (typeof member !== 'string' || typeof found === 'function') return found;
        this.seen.add(`${at}/${member}`);
        return this.of(found, `${at}/${member}`);
      },
    });
  }

  unseenIn(value: unknown, at: string): string[] {
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([member, its]) =>
      this.seen.has(`${at}/${member}`) ? this.unseenIn(its, `${at}/${member}`) : [`${at}/${member} is unknown`],
    );
  }
}

/** What the schema of Kubernetes for this kind refuses, unknown members too. */
export function schemaFaultsOf(object: KubernetesObject): readonly string[] {
  const Model = MODELS[object.kind];
  if (Model === undefined) return [`kind ${object.kind} is not known to these tests`];
  const watched = new Watched();
  const where = `${object.kind} ${object.metadata.name}: `;
  try {
    watched.of(new Model(object), '').validate();
  } catch (error) {
    return [`${where}${(error as Error).message}`];
  }
  return watched.unseenIn(object, '').map((fault) => `${where}${fault}`);
}
