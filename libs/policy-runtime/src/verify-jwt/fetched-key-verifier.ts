import { compileVerifier, refusal, type JsonObject, type KeySelector, type VerifyResult } from '#libs/jwt-engine';
import type { KeySet, LinkContext } from '../linking/link-context.ts';
import { whenAnswered } from '../linking/step.ts';
import type { KeyReader } from './key-text.ts';
import type { VerifyRules } from './link-verifier.ts';
import { memoryOf } from './token-memory.ts';
import type { SignedVerifyJwt, Verify, VerifyContext } from './verify-context.ts';

/**
 * One look at a token, by one key set from beginning to end. Which set that is says the policy, never the token: the token
 * only names a key within the set.
 */
interface Look extends VerifyContext {
  readonly keySet: KeySet | undefined;
  /** Written by the key selector: the set it needs is still to come. */
  awaited: Promise<KeySet> | undefined;
  /** Written by the key selector: the key that the set has not. */
  unknownKey: { readonly address: string; readonly keyId: string } | undefined;
}

interface Looked {
  readonly result: VerifyResult;
  readonly unknownKey: Look['unknownKey'];
}

const NO_SET = refusal('InvalidKeyConfiguration');
const KEY_ID_MISSING = refusal('KeyIdMissing');

const keyIdOf = ({ kid }: JsonObject): string | undefined => (typeof kid === 'string' && kid !== '' ? kid : undefined);

/** Finds the set only for a token that got as far as its key: what is malformed costs nobody a request. */
function compileSelector(readAddress: KeyReader<string>, { keySets }: LinkContext['options']): KeySelector<Look> {
  const setAt = (address: string): KeySet | Promise<KeySet> => keySets?.current(address) ?? NO_SET;
  return (header, algorithm, look) => {
    const address = readAddress(look.exchange);
    if (typeof address !== 'string') return address;
    const keyId = keyIdOf(header);
    if (keyId === undefined) return KEY_ID_MISSING;
    const set = look.keySet ?? setAt(address);
    if (set instanceof Promise) {
      look.awaited = set;
      return NO_SET;
    }
    if (typeof set !== 'function') return set;
    const key = set(header, algorithm, undefined);
    if ('ok' in key && key.code === 'NoMatchingPublicKey') look.unknownKey = { address, keyId };
    return key;
  };
}

/**
 * The verifier of a policy whose key set is fetched. It waits while there is no set yet. With the documented codes a key
 * that the set has not is asked for once more (decision K22); a live Apigee keeps to the set it has.
 */
export function compileFetchedKeyVerifier(
  contract: SignedVerifyJwt,
  readAddress: KeyReader<string>,
  context: LinkContext,
): (rules: VerifyRules) => Verify {
  const { options } = context;
  const key = compileSelector(readAddress, options);
  const verifiedTokens = memoryOf(contract, context);
  const { keySets } = options;
  const asksAgain = options.faultCodes === 'documented';

  return (rules) => {
    const verify = compileVerifier<Look>({ ...rules, algorithms: contract.algorithm, key, verifiedTokens });
    return (token, nowSeconds, { exchange, settingRefusal }) => {
      const lookWith = (keySet: KeySet | undefined): Looked | Promise<Looked> => {
        // Member by member: to spread the context costs as much as a tenth of an RS256 signature (npm run bench -- jwks).
        const look: Look = { exchange, settingRefusal, keySet, awaited: undefined, unknownKey: undefined };
        const result = verify(token, nowSeconds, look);
        const { awaited, unknownKey } = look;
        return awaited === undefined ? { result, unknownKey } : awaited.then(lookWith);
      };
      return whenAnswered(lookWith(undefined), ({ result, unknownKey }) => {
        if (!asksAgain || unknownKey === undefined) return result;
        const newer = keySets?.newerFor(unknownKey.address, unknownKey.keyId);
        if (newer === undefined) return result;
        // What could not be fetched is no news: the set at hand has not that key.
        return newer.then((set) =>
          typeof set === 'function' ? whenAnswered(lookWith(set), (again) => again.result) : result,
        );
      });
    };
  };
}
