import { Injectable, RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';
import { API_CALL, type ApiCallFacts } from '../http/api-call.ts';

/** A call as a client sees it, and what is said of it. */
export interface DocumentedCall {
  /** Lower case. */
  readonly method: string;
  /** With `{names}` of its parameters and a slash at the end, where the vendor's calls have one. */
  readonly path: string;
  /** Unique, from the names in the code. */
  readonly operationId: string;
  readonly facts: ApiCallFacts;
}

/** Handlers under `/apiops` that nobody described: the document would be incomplete. */
export class UndocumentedCalls extends Error {
  readonly code = 'UNDOCUMENTED_CALLS';
  constructor(readonly handlers: readonly string[]) {
    super(`these calls have no @ApiCall: ${handlers.join(', ')}`);
    this.name = 'UndocumentedCalls';
  }
}

interface FoundHandler {
  readonly controller: Type;
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly facts: ApiCallFacts | undefined;
}

/** Paths that the vendor and the contract write without a slash at the end. */
const WITHOUT_SLASH = /^\/apiops\/(openapi|docs|auth\/token)$|\/jwks\/generate$|\/stream$/;

const metadataOf = (key: string | symbol, from: object): unknown => Reflect.getMetadata(key, from) as unknown;

/** Reads the calls from the controllers themselves, so that none can be forgotten or described under another path. */
@Injectable()
export class DocumentedCalls {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  /** @throws UndocumentedCalls */
  all(): DocumentedCall[] {
    const handlers = this.handlers();
    const missing = handlers.filter(({ facts }) => facts === undefined);
    if (missing.length > 0)
      throw new UndocumentedCalls(missing.map(({ controller, name }) => `${controller.name}.${name}`));
    return handlers
      .flatMap(({ facts, controller, name, method, path }) =>
        facts === undefined
          ? []
          : [{ facts, method, path, operationId: `${controller.name.replace(/Controller$/, '')}.${name}` }],
      )
      .sort((left, right) => (left.path < right.path ? -1 : Number(left.path > right.path)));
  }

  private handlers(): FoundHandler[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => {
      const controller = metatype as Type | undefined;
      if (controller === undefined) return [];
      return this.scanner
        .getAllMethodNames(controller.prototype as object)
        .flatMap((name) => handlerOf(controller, name) ?? [])
        .filter(({ path }) => path.startsWith('/apiops/'));
    });
  }
}

function handlerOf(controller: Type, name: string): FoundHandler | undefined {
  const handler = (controller.prototype as Readonly<Record<string, object>>)[name];
  if (handler === undefined) return undefined;
  const method = metadataOf(METHOD_METADATA, handler) as RequestMethod | undefined;
  if (method === undefined) return undefined;
  const parts = [metadataOf(PATH_METADATA, controller), metadataOf(PATH_METADATA, handler)] as (string | undefined)[];
  const path = `/${parts
    .map((part) => (part ?? '').replace(/^\/+|\/+$/g, ''))
    .filter((part) => part !== '')
    .join('/')}`.replace(/:([A-Za-z]+)/g, '{$1}');
  return {
    ...{ controller, name, method: RequestMethod[method].toLowerCase() },
    path: WITHOUT_SLASH.test(path) ? path : `${path}/`,
    facts: metadataOf(API_CALL, handler) as ApiCallFacts | undefined,
  };
}
