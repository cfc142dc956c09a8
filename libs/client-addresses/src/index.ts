export { AddressList, plainAddress } from './address-list.ts';
export { InvalidTrustedProxy, TrustedProxies, trustedProxiesOf } from './trusted-proxies.ts';
