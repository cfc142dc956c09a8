export {
  describeRevocationLedger,
  readAll,
  someRevocation,
  someRevocations,
  T0_MS,
} from './describe-revocation-ledger.ts';
export { ReplaceableLedger } from './replaceable-ledger.ts';
