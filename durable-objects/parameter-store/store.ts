/**
 * @module The ParameterStore's persisted state: rows in, plain data out.
 */
import type { PublishedVersion } from '../../domain/parameters/publication.ts';
import type { RevokedDayPackage } from './packages.ts';
import type { Remembered } from '../publisher/own-objects.ts';
import type { DocumentEntry } from '../../protocol/parameters/config-head.ts';

/** The head that phones shall see: of the highest version, issued at an instant that makes its bytes repeatable. */
export interface HeadRow {
  readonly version: number;
  /** Unix seconds. */
  readonly issuedAt: number;
  /** PLANNED until the bucket holds it. */
  readonly state: 'PLANNED' | 'PUBLISHED';
}

type Row = Record<string, SqlStorageValue>;

// Rows as durable-objects/parameter-store/schema.ts has them; columns of JSON are text.

type VersionRow = { version: number; action: PublishedVersion['action']; hour: number; documents: string };

export class ParameterRows {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /**
   * Records a decision as a whole, so that a crash leaves none or all of it.
   * @param texts documents by name; those that are there stay
   */
  decide(version: PublishedVersion, texts: ReadonlyMap<string, string>, issuedAt: number): void {
    this.#storage.transactionSync(() => {
      for (const [name, text] of texts) this.#exec('INSERT OR IGNORE INTO document VALUES (?, ?)', name, text);
      this.#exec(
        'INSERT INTO version VALUES (?, ?, ?, ?)',
        version.version,
        version.action,
        version.hour,
        JSON.stringify(version.documents),
      );
      this.setHead({ version: version.version, issuedAt, state: 'PLANNED' });
    });
  }

  setHead(head: HeadRow): void {
    this.#exec('INSERT OR REPLACE INTO head VALUES (1, ?, ?, ?)', head.version, head.issuedAt, head.state);
  }

  /** @returns a name of the keys that signed what is published (config.ts), or null */
  signers(): string | null {
    return this.#exec<{ name: string }>('SELECT name FROM signers').toArray()[0]?.name ?? null;
  }

  setSigners(name: string): void {
    this.#exec('INSERT OR REPLACE INTO signers VALUES (1, ?)', name);
  }

  head(): HeadRow | null {
    const row = this.#exec<{ version: number; issued_at: number; state: HeadRow['state'] }>(
      'SELECT version, issued_at, state FROM head',
    ).toArray()[0];
    if (row === undefined) return null;
    return {
      version: row.version,
      issuedAt: row.issued_at,
      state: row.state,
    };
  }

  /** @param most of them; left out: all @returns newest first */
  history(most = -1): PublishedVersion[] {
    return this.#exec<VersionRow>('SELECT * FROM version ORDER BY version DESC LIMIT ?', most)
      .toArray()
      .map((row) => ({
        version: row.version,
        action: row.action,
        hour: row.hour,
        documents: JSON.parse(row.documents) as DocumentEntry[],
      }));
  }

  document(name: string): string | null {
    return this.#exec<{ text: string }>('SELECT text FROM document WHERE name = ?', name).toArray()[0]?.text ?? null;
  }

  /** @returns what Publisher said last, in the order of the table's key */
  revokedPackages(): RevokedDayPackage[] {
    return this.#exec<RevokedDayPackage>('SELECT region, date, etag FROM revoked_package').toArray();
  }

  /**
   * Keeps what Publisher says, whole, in one transaction.
   *
   * @returns whether it is something else than before: then what is published is written again, under the same head
   */
  putRevokedPackages(packages: readonly RevokedDayPackage[]): boolean {
    const before = JSON.stringify(this.revokedPackages());
    this.#storage.transactionSync(() => {
      this.#exec('DELETE FROM revoked_package');
      for (const { region, date, etag } of packages) {
        this.#exec('INSERT OR IGNORE INTO revoked_package VALUES (?, ?, ?)', region, date, etag);
      }
      if (JSON.stringify(this.revokedPackages()) !== before) this.#exec(`UPDATE head SET state = 'PLANNED'`);
    });
    return JSON.stringify(this.revokedPackages()) !== before;
  }

  /** See own-objects.ts. */
  remembered(key: string): Remembered | null {
    const sql = `SELECT mark, sha256 FROM own_object WHERE key IN (?, '*') ORDER BY key = '*' LIMIT 1`;
    return this.#exec<{ mark: string | null; sha256: string | null }>(sql, key).toArray()[0] ?? null;
  }

  /** See own-objects.ts. */
  intend(key: string, hash: string): void {
    const sql = `INSERT INTO own_object VALUES (?, '', ?) ON CONFLICT (key) DO UPDATE SET sha256 = excluded.sha256`;
    this.#exec(sql, key, hash);
  }

  /** See own-objects.ts. */
  settle(key: string, mark: string): void {
    this.#exec('INSERT OR REPLACE INTO own_object VALUES (?, ?, NULL)', key, mark);
  }

  /** Every name has its mark now. */
  allMarked(): void {
    this.#exec(`DELETE FROM own_object WHERE key = '*'`);
  }

  /** As in the Publisher's store. */
  newAlerts(): Record<string, number> {
    const sql = `SELECT name, value - reported AS value FROM counter WHERE value > reported AND name LIKE 'alert%' ORDER BY name`;
    const rows = this.#exec<{ name: string; value: number }>(sql).toArray();
    if (rows.length > 0) this.#exec('UPDATE counter SET reported = value');
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  count(name: string): void {
    this.#exec(
      'INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1',
      name,
    );
  }

  counters(): Record<string, number> {
    const rows = this.#exec<{ name: string; value: number }>('SELECT name, value FROM counter ORDER BY name').toArray();
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  }

  #exec<T extends Row>(query: string, ...bindings: SqlStorageValue[]): SqlStorageCursor<T> {
    return this.#storage.sql.exec<T>(query, ...bindings);
  }
}
