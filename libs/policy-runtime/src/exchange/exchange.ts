import { compileVariable } from './compile-variable.ts';
import type { Fault } from './fault.ts';
import { headerLinesIn, isFormType, parametersByName } from './values-by-name.ts';
import type {
  ExchangeRequest,
  ExchangeResponse,
  FlowPhase,
  ServedProxy,
  ValuesByName,
  VariableSource,
  VariableValue,
} from './variable-source.ts';

/** Computes one variable of a policy's token when it is read: `claim.sub` of `jwt.<policy name>.claim.sub`. */
export type TokenVariables = (name: string) => VariableValue;

const NO_VALUES: ValuesByName = new Map();
const NO_HEADERS: ReadonlyMap<string, string | undefined> = new Map();
const NO_PARAMETERS: ReadonlySet<string> = new Set();
/** Of every variable that `tokenVariable` is asked for. */
const TOKEN_PREFIX = 'jwt.';

/** One request on its way: made by the gateway, read and changed by the steps. Nothing is parsed before it is asked for. */
export class Exchange implements VariableSource {
  readonly request: ExchangeRequest;
  readonly proxy: ServedProxy;
  readonly pathSuffix: string;
  readonly startedAtMs: number;
  readonly correlationId: string;
  /** Set before the RESPONSE pipeline. */
  response: ExchangeResponse | undefined;
  phase: FlowPhase;
  nowMs: number;
  fault: Fault | undefined;
  faultName: string | undefined;
  // None of these is made before somebody needs it: most requests need two at most.
  private headersForUpstream: Map<string, string | undefined> | undefined;
  private hiddenParameters: Set<string> | undefined;
  private custom: Map<string, VariableValue> | undefined;
  private tokens: Map<string, TokenVariables> | undefined;
  private parsedQuery: ValuesByName | undefined;
  private parsedForm: ValuesByName | undefined;

  // eslint-disable-next-line max-params -- the gateway makes one per request; an options object would be a second one
  constructor(
    request: ExchangeRequest,
    proxy: ServedProxy,
    pathSuffix: string,
    startedAtMs: number,
    correlationId: string,
  ) {
    this.request = request;
    this.proxy = proxy;
    this.pathSuffix = pathSuffix;
    this.startedAtMs = startedAtMs;
    this.correlationId = correlationId;
    this.response = undefined;
    this.phase = 'request';
    this.nowMs = startedAtMs;
    this.fault = undefined;
    this.faultName = undefined;
    this.headersForUpstream = undefined;
    this.hiddenParameters = undefined;
    this.custom = undefined;
    this.tokens = undefined;
    this.parsedQuery = undefined;
    this.parsedForm = undefined;
  }

  /** Headers for the upstream by lower-case name; undefined = remove what the client sent. To be changed by policies. */
  get upstreamHeaders(): Map<string, string | undefined> {
    return (this.headersForUpstream ??= new Map());
  }

  /** The same, to be read when all policies have run. */
  get changedUpstreamHeaders(): ReadonlyMap<string, string | undefined> {
    return this.headersForUpstream ?? NO_HEADERS;
  }

  /** Query parameters never to be forwarded: a token in the URL. */
  get hiddenQueryParameters(): ReadonlySet<string> {
    return this.hiddenParameters ?? NO_PARAMETERS;
  }

  hideQueryParameter(name: string): void {
    this.hiddenParameters ??= new Set();
    this.hiddenParameters.add(name);
  }

  get customVariables(): ReadonlyMap<string, VariableValue> | undefined {
    return this.custom;
  }

  /** Flow variable by name; undefined = unset (null in Apigee). Whoever knows the name beforehand compiles it. */
  variable(name: string): VariableValue {
    return compileVariable(name)(this);
  }

  /** Sets a variable for the rest of this exchange; undefined unsets it. What is set stands above what is computed. */
  setVariable(name: string, value: VariableValue): void {
    this.custom ??= new Map();
    this.custom.set(name, value);
  }

  /** Makes `jwt.<policyName>.…` readable. A policy that runs again replaces what it had published. */
  publishToken(policyName: string, variables: TokenVariables): void {
    this.tokens ??= new Map();
    this.tokens.set(policyName, variables);
  }

  /** Policy names may contain dots, so the longest published name that fits decides. */
  tokenVariable(name: string): VariableValue {
    if (this.tokens === undefined) return undefined;
    let longest = '';
    for (const policyName of this.tokens.keys()) {
      const isNamed =
        name.startsWith(policyName, TOKEN_PREFIX.length) && name[TOKEN_PREFIX.length + policyName.length] === '.';
      if (policyName.length > longest.length && isNamed) longest = policyName;
    }
    return this.tokens.get(longest)?.(name.slice(TOKEN_PREFIX.length + longest.length + 1));
  }

  /** The flow stops: from now on `fault.*` and `error.*` speak of this. */
  raise(fault: Fault): void {
    this.fault = fault;
    this.faultName = fault.name;
  }

  /** A failure that lets the flow go on, or stops it. In the error flow the first fault stays. */
  recordFailure(faultName: string): void {
    if (this.phase !== 'error') this.faultName = faultName;
  }

  headerLines(name: string): readonly string[] | undefined {
    return headerLinesIn(this.request.rawHeaders, name);
  }

  queryParameters(): ValuesByName {
    return (this.parsedQuery ??= parametersByName(this.request.queryString));
  }

  formParameters(): ValuesByName {
    if (this.parsedForm === undefined) {
      const { body } = this.request;
      const isForm = isFormType(this.headerLines('content-type')?.[0]);
      this.parsedForm = isForm && body !== undefined ? parametersByName(body.toString('utf8')) : NO_VALUES;
    }
    return this.parsedForm;
  }
}
