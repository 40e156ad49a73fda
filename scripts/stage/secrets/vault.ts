/**
 * @module What the account says once and never again, a service token's secret: sealed to the operator as soon as it is heard, in `stages/<name>/tokens/`. A crash between the answer
 * and the file loses it: the token is there and nobody has its secret, so whoever asks finds no file for its id and makes another (scripts/stage/resources).
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { StagePlaces } from '../file/places.ts';
import type { Stage } from '../file/stage.ts';
import { seal } from './age.ts';
import { operatorRecipients } from './sealed.ts';
import { PRIVATE_MODE, writeNewWhole } from './whole-file.ts';

/** Sealed by name and the account's id of what it belongs to. */
export interface Vault {
  /** @returns whether what belongs to this id is sealed here */
  has(name: string, id: string): Promise<boolean>;
  /** Seals a text and returns when it is durable. */
  seal(name: string, id: string, text: string): Promise<void>;
}

/** @param stage see {@link Stage} @param places of it @returns where it is sealed */
export function stageVault(stage: Stage, places: StagePlaces): Vault {
  const fileOf = (name: string, id: string): string =>
    join(dirname(places.offline), 'tokens', `${name}.${id.replaceAll(/[^\w-]/g, '')}.age`);
  return {
    has: (name, id) => Promise.resolve(existsSync(fileOf(name, id))),
    async seal(name, id, text) {
      writeNewWhole(fileOf(name, id), await seal(text, await operatorRecipients(stage, places)), PRIVATE_MODE);
    },
  };
}
