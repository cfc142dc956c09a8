import { RedisSentinels } from './redis-sentinels.ts';
const t = performance.now();
const say = (w: string) => console.log(Math.round(performance.now() - t), w);
const watch = setInterval(() => say('…'), 5000); watch.unref();
const one = await RedisSentinels.start({ host: process.argv[2] as 'localhost', isEncrypted: process.argv[3] === 'tls' });
say('started'); console.log(one.url, await one.masterPort());
await one.stop(); say('stopped');
