/**
 * @module How a rotation draws a new value: as `init` does, or out of what a person brings. The private half of an offline key is sealed to its keepers before its public half is told to
 * anybody; a crash after that leaves files that nothing names, and the next run draws another pair.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawKeyPair, drawSecret, publicPem } from '../../../local-edge/draw-secrets.ts';
import { dateOf } from '../../../protocol/gaen/intervals.ts';
import { splitKey } from '../../support/undo-key.ts';
import type { StagePlaces } from '../file/places.ts';
import type { Stage } from '../file/stage.ts';
import { seal } from '../secrets/age.ts';
import { keepersOf } from '../secrets/init.ts';
import { broughtFault, isBrought, isOfflineKey, offlineFilesOf } from '../secrets/inventory.ts';
import { operatorRecipients } from '../secrets/sealed.ts';
import { PRIVATE_MODE, writeNewWhole } from '../secrets/whole-file.ts';
import { RotationError } from './values.ts';

/** Where a rotation of one stage draws. */
export interface Drawing {
  readonly stage: Stage;
  readonly places: StagePlaces;
  /** A folder with files `<SECRET>` or `<SECRET>.pem`; null: nothing is brought. */
  readonly bring: string | null;
  /** Unix seconds. */
  readonly now: () => number;
  /** Told of each file that belongs into somebody's hands. */
  readonly handOver: (file: string) => void;
}

/**
 * @param secret its name
 * @param drawing see {@link Drawing}
 * @returns the new value
 * @throws RotationError when the stage's file names the key itself, or others issue it and it isn't brought
 */
export async function drawNext(secret: string, drawing: Drawing): Promise<string> {
  if (isBrought(secret)) return brought(secret, drawing.bring);
  if (isOfflineKey(secret)) return offlineHalf(secret, drawing);
  const value = drawSecret(secret);
  // The one symmetric secret that somebody outside holds, too.
  if (secret === 'SMS_WEBHOOK_SECRET') {
    await sealNew('sms-webhook-secret', value, await operatorRecipients(drawing.stage, drawing.places), drawing);
  }
  return value;
}

function brought(secret: string, folder: string | null): string {
  const file = [secret, `${secret}.pem`].map((name) => join(folder ?? '', name)).find((path) => existsSync(path));
  if (folder === null || file === undefined) {
    throw new RotationError(
      `${secret}: others issue it: put it into a file of its name, and name the folder by --bring`,
    );
  }
  const text = readFileSync(file, 'utf8');
  const fault = broughtFault(secret, text);
  if (fault !== null) throw new RotationError(`${file}: ${secret} ${fault}`);
  return text;
}

async function offlineHalf(secret: Parameters<typeof offlineFilesOf>[0], drawing: Drawing): Promise<string> {
  const { stage, places } = drawing;
  if (secret === 'LABORATORY_LIST_PUBLIC_KEY' && stage.laboratories.listPublicKey !== null) {
    throw new RotationError(`${secret}: the stage's file names it: change laboratories.list_public_key, and apply`);
  }
  const keepers = (await keepersOf(stage, places))[secret]!;
  const pair = drawKeyPair();
  const texts = secret === 'UNDO_PUBLIC_KEY' ? splitKey(pair) : [pair];
  for (const [n, name] of offlineFilesOf(secret).entries()) {
    await sealNew(name.replace(/\.age$/, ''), texts[n]!, keepers[n]!, drawing);
  }
  return publicPem(pair);
}

/** Nothing is written over: the former one is wanted until its phase says otherwise. */
async function sealNew(stem: string, text: string, recipients: readonly string[], drawing: Drawing): Promise<void> {
  const { places, now, handOver } = drawing;
  mkdirSync(places.offline, { recursive: true });
  const day = dateOf(now());
  const names = Array.from({ length: 100 }, (_, n) => `${stem}.${day}${n === 0 ? '' : `-${n + 1}`}.age`);
  const file = names.map((name) => join(places.offline, name)).find((path) => !existsSync(path));
  if (file === undefined)
    throw new RotationError(
      `${places.offline}: a hundred files of ${stem} of ${day} are there: take those away that nobody wants`,
    );
  writeNewWhole(file, await seal(text, recipients), PRIVATE_MODE);
  handOver(file);
}
