import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { startRedis } from '#libs/embedded-servers';
import { FakeGateway } from './testing/fake-gateway.ts';
import { credentialBody, policyBody, proxyBody } from './testing/request-bodies.ts';
import { RunningControlPlane, type Answer } from './testing/running-control-plane.ts';
