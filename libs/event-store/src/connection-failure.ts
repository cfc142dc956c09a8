import pg from 'pg';
import { EventStoreUnavailable } from './event-store-errors.ts';

/** A server that only answers: fenced, or a standby that was not promoted yet. */
const READ_ONLY = '25006';
/**
 * Classes 08 and 57P0x: connection lost, server stopping or starting; 25P03, 53300: session ended or refused; 25006: the
 * connection leads to a server that takes no changes.
 */
const CONNECTION_SQLSTATE = /^(08...|57P0[1-5]|25P03|25006|53300)$/;
/** Node's codes of system errors (ECONNREFUSED, EAI_AGAIN …), not those of wrong calls (ERR_…). */
const SYSTEM_CODE = /^E(?!RR_)[A-Z_]+$/;
/** `pg` has no error class of its own for these. */
const CONNECTION_MESSAGE =
  /^(Connection terminated|Client (was closed|has encountered a connection error)|Query read timeout|timeout exceeded)/;

/** Whether a failed query says that its connection is gone (and not that the query was wrong). */
export function isConnectionFailure(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (error instanceof pg.DatabaseError) return CONNECTION_SQLSTATE.test(error.code ?? '');
  if (typeof code === 'string') return SYSTEM_CODE.test(code);
  return typeof message === 'string' && CONNECTION_MESSAGE.test(message);
}

/** Whether a query, or what failed because of it, was refused by a server that takes no changes. */
export function isReadOnlyServer(error: unknown): boolean {
  if (error instanceof EventStoreUnavailable) return isReadOnlyServer(error.cause);
  return error instanceof pg.DatabaseError && error.code === READ_ONLY;
}

/** 40001 serialization failure, 40P01 deadlock: the same work may well succeed when it is done again. */
export const isWorthRepeating = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && (error.code === '40001' || error.code === '40P01');

/** Whether a failed query says that no answer came in time. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof Error && /^(Query read timeout|timeout exceeded)/.test(error.message);

/** 25P02: an earlier statement of the transaction failed, this one was not looked at. */
export const isOfAbortedTransaction = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code === '25P02';
