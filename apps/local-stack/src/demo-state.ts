import { generateKeyPair, randomBytes } from 'node:crypto';
import path from 'node:path';
import { promisify } from 'node:util';
import { readSecretFile, writeSecretFile } from './secret-file.ts';

/** What the demo's printed lines need, kept in `<dataDir>/demo.json` (mode 0600) from run to run. */
export interface DemoState {
  readonly clientSecret: string;
  readonly userPassword: string;
  /** PEM, PKCS #8: signs the partner's tokens. */
  readonly partnerPrivateKey: string;
  readonly partnerPublicKey: string;
  /** The steps that apiops has accepted. */
  readonly done: readonly string[];
}

const fileIn = (dataDir: string): string => path.join(dataDir, 'demo.json');

async function newDemoState(): Promise<DemoState> {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return {
    clientSecret: randomBytes(18).toString('base64url'),
    userPassword: randomBytes(12).toString('base64url'),
    partnerPrivateKey: pair.privateKey,
    partnerPublicKey: pair.publicKey,
    done: [],
  };
}

/** Reads the file; where there is none, or one that is not ours, everything is made anew. */
export async function loadDemoState(dataDir: string): Promise<DemoState> {
  const state = parseDemoState(readSecretFile(fileIn(dataDir))) ?? (await newDemoState());
  saveDemoState(dataDir, state);
  return state;
}

export function saveDemoState(dataDir: string, state: DemoState): void {
  writeSecretFile(fileIn(dataDir), JSON.stringify(state, null, 2));
}

function parseDemoState(text: string | null): DemoState | null {
  try {
    const parsed = JSON.parse(text ?? '') as Partial<Record<keyof DemoState, unknown>> | null;
    const { clientSecret, userPassword, partnerPrivateKey, partnerPublicKey, done } = parsed ?? {};
    if (typeof clientSecret !== 'string' || typeof userPassword !== 'string') return null;
    if (typeof partnerPrivateKey !== 'string' || typeof partnerPublicKey !== 'string') return null;
    const steps = Array.isArray(done) ? done.filter((step): step is string => typeof step === 'string') : [];
    return { clientSecret, userPassword, partnerPrivateKey, partnerPublicKey, done: steps };
  } catch {
    return null;
  }
}
