import { hkdfSync } from 'node:crypto';
import type pg from 'pg';
import { openWith } from '#libs/config-distribution';
import { HistoryKeys } from '#libs/event-store';

/** The keys of a control plane's history, unwrapped here by hand: what the format of `data_keys` promises. */
export async function historyKeysOf(pool: pg.Pool, masterKey: Buffer): Promise<HistoryKeys> {
  const info = 'gatewarden/1/master-key/wrap';
  const wrappingKey = Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), info, 32));
  const { rows } = await pool.query<{ wrapped: string }>('select wrapped from data_keys');
  const key = (purpose: string): Buffer => {
    const place = { environment: 'control-plane', purpose: `data-key/${purpose}`, subject: `${purpose}-1`, version: 1 };
    const texts = rows.map(({ wrapped }) => openWith(wrappingKey, place, wrapped));
    return Buffer.from(texts.find((text) => text !== undefined) ?? '', 'base64url');
  };
  return new HistoryKeys({
    ...{ events: key('history-events'), snapshots: key('history-snapshots') },
    checkpointSeed: key('history-checkpoints'),
  });
}
