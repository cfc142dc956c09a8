export { artifactChange, tombstone } from './changes.ts';
export { describeConfigChannel, type ChannelUnderTest } from './describe-config-channel.ts';
export { describeKeySetShelf, type ShelfUnderTest } from './describe-key-set-shelf.ts';
export { ReplaceableChannel } from './replaceable-channel.ts';
export { prepareEnvironment, type PreparedEnvironment } from './prepare-environment.ts';
export { TextGateway } from './text-gateway.ts';
