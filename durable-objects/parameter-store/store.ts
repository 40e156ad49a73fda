/**
 * @module The ParameterStore's persisted state: rows in, plain data out.
 */
import type { PublishedVersion } from '../../domain/parameters/publication.ts';
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

  head(): HeadRow | null {
    const row = this.#exec('SELECT version, issued_at, state FROM head').toArray()[0];
    if (row === undefined) return null;
    return {
      version: Number(row['version']),
      issuedAt: Number(row['issued_at']),
      state: row['state'] === 'PUBLISHED' ? 'PUBLISHED' : 'PLANNED',
    };
  }

  /** @returns newest first */
  history(): PublishedVersion[] {
    return this.#exec('SELECT * FROM version ORDER BY version DESC')
      .toArray()
      .map((row) => ({
        version: Number(row['version']),
        action: row['action'] === 'rollback' ? 'rollback' : 'publish',
        hour: Number(row['hour']),
        documents: JSON.parse(String(row['documents'])) as DocumentEntry[],
      }));
  }

  document(name: string): string | null {
    const row = this.#exec('SELECT text FROM document WHERE name = ?', name).toArray()[0];
    return row === undefined ? null : String(row['text']);
  }

  count(name: string): void {
    this.#exec('INSERT INTO counter VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1', name);
  }

  counters(): Record<string, number> {
    const rows = this.#exec('SELECT name, value FROM counter ORDER BY name').toArray();
    return Object.fromEntries(rows.map((row) => [String(row['name']), Number(row['value'])]));
  }

  #exec(query: string, ...bindings: SqlStorageValue[]): SqlStorageCursor<Row> {
    return this.#storage.sql.exec<Row>(query, ...bindings);
  }
}
