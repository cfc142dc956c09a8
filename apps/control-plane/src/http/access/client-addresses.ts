import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { plainAddress, TrustedProxies } from '#libs/client-addresses';
import type { ControlPlaneConfig } from '../../config/control-plane.config.ts';
import { CONTROL_PLANE_CONFIG } from '../../injection-tokens.ts';

/** Where requests come from: behind a trusted proxy, from whom that one says. */
@Injectable()
export class ClientAddresses {
  private readonly trusted: TrustedProxies;

  constructor(@Inject(CONTROL_PLANE_CONFIG) { trustedProxies }: Pick<ControlPlaneConfig, 'trustedProxies'>) {
    this.trusted = new TrustedProxies(trustedProxies);
  }

  /** Undefined once the client has gone. */
  of({ raw: { socket, headers } }: FastifyRequest): string | undefined {
    if (socket.remoteAddress === undefined) return undefined;
    const forwardedFor = [headers['x-forwarded-for'] ?? []].flat();
    return this.trusted.clientOf(
      plainAddress(socket.remoteAddress),
      forwardedFor.length === 0 ? undefined : forwardedFor.join(),
    );
  }
}
