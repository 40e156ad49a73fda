/** @module Rows of a set, counted as a backend counts them: by release hour, whole and by part (docs/architecture.md §9). */
import { uploadsOfSet } from '../../domain/chunk-policy.ts';
import { countedAs, partOf } from '../../domain/publication/feeds.ts';
import type { Provenance } from '../../domain/publication/packed-keys.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** A key of this backend's people, or a decoy. */
export interface Row {
  readonly key: TemporaryExposureKey;
  /** Hours since the Unix epoch. */
  readonly release: number;
  readonly about: Pick<Provenance, 'regions' | 'consentToFederation' | 'origin'>;
  /** Number of the upload. */
  readonly upload: number;
  /** Its upload counts in this hour. */
  readonly isFirst: boolean;
  readonly synthetic: boolean;
}

interface Count {
  readonly keys: number;
  readonly uploads: number;
  /** Of the keys, people's. */
  readonly real: number;
}

export class SetOfRows {
  readonly #rows: Row[];
  readonly #feeds: readonly string[];
  readonly #home: string;
  readonly #partNames = new Map<string, string>();
  readonly #byPart = new Map<string, Row[]>();

  constructor(rows: readonly Row[], { feeds, home }: { readonly feeds: readonly string[]; readonly home: string }) {
    this.#rows = [];
    this.#feeds = feeds;
    this.#home = home;
    this.add(rows);
  }

  get rows(): readonly Row[] {
    return this.#rows;
  }

  add(rows: readonly Row[]): void {
    for (const row of rows) {
      this.#rows.push(row);
      const part = this.partOf(row);
      const there = this.#byPart.get(part);
      if (there === undefined) this.#byPart.set(part, [row]);
      else there.push(row);
    }
  }

  /** @returns the name of the part that peers tell a row by */
  partOf({ about }: Row): string {
    const counted = countedAs(about, this.#home);
    const name = this.#partNames.get(counted) ?? partOf(counted, this.#feeds) ?? '';
    this.#partNames.set(counted, name);
    return name;
  }

  /** @returns parts with a key, by name */
  parts(): ReadonlyMap<string, readonly Row[]> {
    return this.#byPart;
  }

  /** @param part left out: of the whole set */
  count(part?: string): Count {
    const rows = part === undefined ? this.#rows : (this.#byPart.get(part) ?? []);
    const hours = new Map<number, { readonly first: Set<number>; readonly any: Set<number> }>();
    let real = 0;
    for (const { release, upload, isFirst, synthetic } of rows) {
      const hour = hours.get(release) ?? { first: new Set(), any: new Set() };
      hours.set(release, hour);
      hour.any.add(upload);
      if (isFirst) hour.first.add(upload);
      if (!synthetic) real += 1;
    }
    const uploads = [...hours.values()].map(({ first, any }) => ({ first: first.size, any: any.size }));
    return { keys: rows.length, uploads: uploadsOfSet(uploads), real };
  }

  /** @returns for {@link import('../../domain/decoy-plan.ts').planDecoys}: uploads of people by hour, keys of decoys */
  waiting(): { readonly uploads: Map<number, number>; readonly decoyRests: number } {
    const first = this.#rows.filter(({ isFirst, synthetic }) => isFirst && !synthetic);
    const hours = Map.groupBy(first, ({ release }) => release);
    return {
      uploads: new Map([...hours].map(([hour, rows]) => [hour, new Set(rows.map(({ upload }) => upload)).size])),
      decoyRests: this.#rows.filter(({ synthetic }) => synthetic).length,
    };
  }
}
