export { CapturedLog } from './captured-log.ts';
export { freePortsInARow } from './free-ports.ts';
export { selfSignedCertificate } from './self-signed-certificate.ts';
