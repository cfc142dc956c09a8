import { describeRevocationLedger } from '../testing/index.ts';
import { InMemoryRevocationLedger } from './in-memory-revocation-ledger.ts';

describeRevocationLedger('InMemoryRevocationLedger', (limits) => new InMemoryRevocationLedger(limits));
