import { isDeepStrictEqual } from 'node:util';
import { compileVerifier, type Verifier, type VerifyResult } from '#libs/jwt-engine';
import { FUZZ_NOW_SECONDS } from './fuzz-now.ts';
import { type Judgement } from './fuzz-target.ts';
import { referenceVerdict, type ReferenceRules, type ReferenceToken } from './reference-verifier.ts';

/** Fewer than the verifier remembers headers, and enough to push some out. */
const EARLIER_TOKENS = 48;

interface Earlier {
  readonly token: string;
  readonly verdict: string;
}

export const verdictOf = (result: VerifyResult): string => (result.ok ? 'accepted' : result.code);

const contentViolation = (result: VerifyResult, reference: ReferenceToken): string | undefined => {
  if (!result.ok) return `refused (${result.code}) what the reference accepts`;
  const { header, claims } = result.jwt;
  return isDeepStrictEqual({ header, claims }, { header: reference.header, claims: reference.claims })
    ? undefined
    : 'read another header or other claims than the reference';
};

/** A verifier that lives as long as its run, beside fresh ones and the reference. */
export class SignedTokenJudge {
  private readonly verify: Verifier<void>;
  private readonly earlier: Earlier[] = [];
  private judged = 0;

  constructor(private readonly rules: ReferenceRules) {
    this.verify = compileVerifier(rules);
  }

  /** `genuine`: the tokens that somebody with the key signed, character by character. */
  judge(token: string, genuine: readonly string[]): Judgement {
    const result = this.verify(token, FUZZ_NOW_SECONDS);
    const verdict = verdictOf(result);
    const violation = this.contentOf(result, token, genuine) ?? this.changeOf(token, verdict);
    this.remember({ token, verdict });
    return { group: verdict, violation };
  }

  private contentOf(result: VerifyResult, token: string, genuine: readonly string[]): string | undefined {
    const reference = referenceVerdict(token, this.rules, FUZZ_NOW_SECONDS);
    if (reference !== undefined) return contentViolation(result, reference);
    if (!result.ok) return undefined;
    return genuine.includes(token) ? 'accepted what the reference refuses' : 'accepted what nobody signed';
  }

  /** What a verifier remembers of good tokens must not show in a verdict, its own least of all. */
  private changeOf(token: string, verdict: string): string | undefined {
    if (verdictOf(this.verify(token, FUZZ_NOW_SECONDS)) !== verdict) return 'another verdict the second time';
    const fresh = compileVerifier(this.rules);
    if (verdictOf(fresh(token, FUZZ_NOW_SECONDS)) !== verdict) return 'another verdict than a fresh verifier';
    const old = this.earlier[this.judged % EARLIER_TOKENS];
    if (old === undefined) return undefined;
    const isSame = verdictOf(this.verify(old.token, FUZZ_NOW_SECONDS)) === old.verdict;
    return isSame ? undefined : 'another verdict on an earlier token';
  }

  private remember(earlier: Earlier): void {
    this.earlier[this.judged % EARLIER_TOKENS] = earlier;
    this.judged += 1;
  }
}
