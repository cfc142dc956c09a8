import {
  compileErrorTemplate,
  type ArtifactEndpoint,
  type ArtifactPipelines,
  type ErrorTemplateKind,
  type ErrorTemplateValues,
  type PlacedPolicy,
  type ProxyArtifact,
} from '#libs/policy-contracts';
import { linkIssuer, type LinkedIssuer } from '../auth-jwt/link-issuer.ts';
import { publicKeysOf, type PublicKey } from '../auth-jwt/public-keys.ts';
import type { LinkContext, LinkFault, LinkOptions } from '../linking/link-context.ts';
import type { Step } from '../linking/step.ts';
import {
  compileEndpointMatcher,
  matchEverything,
  type EndpointMatch,
  type MatchableEndpoint,
} from './endpoint-matcher.ts';
import {
  activePolicies,
  allPolicies,
  linkRoute,
  NO_STEPS,
  type LinkedPipelines,
  type LinkedRoute,
} from './link-route.ts';
import { PathTemplate } from './path-template.ts';
import { guardedHeadersOf, linkPolicy } from './policy-linkers.ts';

/** A proxy ready to serve. */
export interface LinkedProxy {
  readonly artifact: ProxyArtifact;
  /** `project/proxy`, in metrics and logs. */
  readonly name: string;
  /** Which endpoint the rest of the path (after the relative path; starts with `/` or is empty) means. */
  matchEndpoint(method: string, pathSuffix: string): EndpointMatch;
  /** Where a request stands that none of the endpoints takes: of its policies only those of the ERROR pipeline run. */
  readonly outsideEndpoints: LinkedRoute;
  /**
   * Active policies with managedFromThisPolicy in execution order: proxy level, then endpoints by name and method. For
   * `/auth/jwt`.
   */
  readonly issuers: readonly LinkedIssuer[];
  /** Those without managedFromThisPolicy, in the same order: for `/credential/jwt`. */
  readonly credentialIssuers: readonly LinkedIssuer[];
  /** Of all active policies that take tokens of this environment: for whoever verifies these tokens elsewhere. */
  readonly publicKeys: readonly PublicKey[];
  /** Body of a fault in Apinizer's envelope by the proxy's error templates; undefined: it has none. */
  readonly errorBodies: ErrorBodies | undefined;
  /**
   * Of the key sets that active policies name whatever the request is, each once and spelled as `URL.href` without
   * fragment. Their keys should be there before the first token is.
   */
  readonly keySetAddresses: readonly string[];
}

/** One at least. */
export type ErrorBodies = Readonly<Partial<Record<ErrorTemplateKind, (values: ErrorTemplateValues) => string>>>;

export type LinkOutcome =
  { readonly ok: true; readonly proxy: LinkedProxy } | { readonly ok: false; readonly faults: readonly LinkFault[] };

/**
 * Every header that some policy of the proxy may set, wherever it stands and whether it is active or not: an upstream that
 * trusts such a header trusts it on all of its paths.
 */
function guardedHeadersIn({ pipelines, endpoints }: ProxyArtifact): string[] {
  const placed = [pipelines, ...endpoints.map((endpoint) => endpoint.pipelines)].flatMap(allPolicies);
  return [...new Set(placed.flatMap(({ policy }) => guardedHeadersOf(policy)))];
}

/** Links the policies of one artifact and collects what cannot work. */
class ProxyLinker {
  readonly faults: LinkFault[] = [];
  readonly keySetAddresses = new Set<string>();
  private readonly artifact: ProxyArtifact;
  private readonly options: LinkOptions;

  constructor(artifact: ProxyArtifact, options: LinkOptions) {
    this.artifact = artifact;
    this.options = options;
  }

  pipelines({ request, response, error }: ArtifactPipelines): LinkedPipelines {
    return { request: this.steps(request), response: this.steps(response), error: this.steps(error) };
  }

  routes(): Pick<LinkedProxy, 'matchEndpoint' | 'outsideEndpoints'> {
    const proxyLevel = this.pipelines(this.artifact.pipelines);
    const proxyPolicies = activePolicies(this.artifact.pipelines);
    const { endpoints } = this.artifact;
    const guardedHeaders = guardedHeadersIn(this.artifact);
    const alone = { endpoint: undefined, endpointLevel: NO_STEPS, policies: proxyPolicies };
    const outsideEndpoints = linkRoute({ ...alone, proxyLevel, guardedHeaders });
    if (endpoints.length === 0) return { matchEndpoint: matchEverything(outsideEndpoints), outsideEndpoints };
    const matchable = endpoints.flatMap((endpoint): MatchableEndpoint[] => {
      const endpointLevel = this.pipelines(endpoint.pipelines);
      const template = this.templateOf(endpoint);
      if (template === undefined) return [];
      const policies = [...proxyPolicies, ...activePolicies(endpoint.pipelines)];
      const route = linkRoute({ endpoint, proxyLevel, endpointLevel, policies, guardedHeaders });
      return [{ template, method: endpoint.httpMethod, route }];
    });
    return { matchEndpoint: compileEndpointMatcher(matchable), outsideEndpoints };
  }

  issuers(isManaged: boolean): LinkedIssuer[] {
    const endpoints = [...this.artifact.endpoints].sort((left, right) => {
      const [one, other] = [`${left.name} ${left.httpMethod}`, `${right.name} ${right.httpMethod}`];
      return one === other ? 0 : one < other ? -1 : 1;
    });
    const levels = [this.artifact.pipelines, ...endpoints.map(({ pipelines }) => pipelines)];
    return levels.flatMap(activePolicies).flatMap(({ name, policy }) => {
      if (policy.type !== 'policy-auth-jwt' || policy.managedFromThisPolicy !== isManaged) return [];
      const issuer = linkIssuer(policy, this.contextOf(name));
      return issuer === undefined ? [] : [issuer];
    });
  }

  publicKeys(): PublicKey[] {
    const { artifact } = this;
    const levels = [artifact.pipelines, ...artifact.endpoints.map(({ pipelines }) => pipelines)];
    return levels
      .flatMap(activePolicies)
      .flatMap(({ name, policy }) =>
        policy.type === 'policy-auth-jwt' ? publicKeysOf(policy, { artifact, policyName: name }) : [],
      );
  }

  private steps(policies: readonly PlacedPolicy[]): Step[] {
    return policies.filter(({ policy }) => policy.active).map((placed) => this.step(placed));
  }

  private step(placed: PlacedPolicy): Step {
    const context = this.contextOf(placed.name);
    try {
      return linkPolicy(placed, context);
    } catch (reason) {
      // A broken assumption of a linker must not take the whole process down; its text may hold material, so it stays out.
      const message = `the policy cannot be linked (${reason instanceof Error ? reason.name : 'unknown error'})`;
      context.refuse({ field: 'policy', code: 'not_linkable', message });
      return () => undefined;
    }
  }

  private contextOf(policyName: string): LinkContext {
    const { artifact, options } = this;
    return {
      ...{ artifact, options, policyName },
      refuse: (fault) => this.faults.push({ policy: policyName, ...fault }),
      nameKeySet: (address) => this.keySetAddresses.add(address),
    };
  }

  private refuseEndpoint({ name, httpMethod }: ArtifactEndpoint, code: string, message: string): undefined {
    this.faults.push({ policy: '', field: `endpoints[${httpMethod} ${name}]`, code, message });
    return undefined;
  }

  private templateOf(endpoint: ArtifactEndpoint): PathTemplate | undefined {
    const template = PathTemplate.parse(endpoint.name);
    if (template === undefined) {
      return this.refuseEndpoint(endpoint, 'invalid_template', 'a segment may hold one {parameter}');
    }
    const backend = endpoint.backendResourceUrl ?? '';
    if (backend.includes('://') || /[?#]/.test(backend)) {
      return this.refuseEndpoint(endpoint, 'invalid_backend', 'backendResourceUrl must be a path');
    }
    const names = PathTemplate.parse(backend)?.parameterNames;
    if (names === undefined || names.some((name) => !template.parameterNames.includes(name))) {
      return this.refuseEndpoint(
        endpoint,
        'invalid_backend',
        'backendResourceUrl names a parameter the endpoint has not',
      );
    }
    return template;
  }
}

function errorBodiesOf({ jsonErrorTemplate, xmlErrorTemplate }: ProxyArtifact): ErrorBodies | undefined {
  if (jsonErrorTemplate === undefined && xmlErrorTemplate === undefined) return undefined;
  return {
    ...(jsonErrorTemplate && { json: compileErrorTemplate(jsonErrorTemplate.template, 'json') }),
    ...(xmlErrorTemplate && { xml: compileErrorTemplate(xmlErrorTemplate.template, 'xml') }),
  };
}

/**
 * Turns an artifact into closures: keys parsed, conditions and variables compiled, endpoints indexed. Never throws on bad
 * content; every fault at once.
 */
export function linkProxy(artifact: ProxyArtifact, options: LinkOptions): LinkOutcome {
  const linker = new ProxyLinker(artifact, options);
  const routes = linker.routes();
  if (linker.faults.length > 0) return { ok: false, faults: linker.faults };
  const keySetAddresses = [...linker.keySetAddresses];
  return {
    ok: true,
    proxy: {
      artifact,
      name: `${artifact.project}/${artifact.proxy}`,
      ...routes,
      issuers: linker.issuers(true),
      credentialIssuers: linker.issuers(false),
      publicKeys: linker.publicKeys(),
      errorBodies: errorBodiesOf(artifact),
      keySetAddresses,
    },
  };
}
