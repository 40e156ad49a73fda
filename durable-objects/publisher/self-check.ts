/**
 * @module Once a day, of each region, an hour or a day that is public is made again from the private records with the signatures that were
 * recorded, and compared with what lies in the public bucket, byte for byte: so a record that rots is known of while what it gave is still there
 * (docs/event-log.md). `npm run rebuild -- --verify` does it with everything.
 *
 * Durable: the day, afterwards. A crash before that checks again. Nothing is mended here: patrol-ops.ts does.
 */
import {
  rebuildDay,
  rebuildExported,
  rebuildHour,
  rebuildRevocation,
  type RebuildPorts,
  type RebuiltObject,
} from '../../domain/publication/rebuild.ts';
import { googleFilesOf, listedGoogleDays } from '../../domain/publication/google-files.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { equalBytes, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { BucketPort } from './bucket.ts';
import { listedDays } from './index-ops.ts';
import type { IndexPlan } from './model.ts';
import type { Publication } from './publication.ts';
import { bookOf } from './revoke-ops.ts';

type Sample = () => AsyncGenerator<RebuiltObject>;

/** Looks at each region once a UTC day; what differs, or can't be made, is counted (`alert_self_check_failed_<region>`). */
export async function selfCheck(p: Publication): Promise<void> {
  const today = Math.floor(p.now / SECONDS_PER_DAY);
  for (const region of p.config.regions) {
    const plan = p.store.publishedIndex(region);
    const checked = `checked_day_${region}`;
    if (plan === null || (p.store.meta(checked) ?? -1) >= today) continue;
    const samples = samplesOf(p, plan);
    const sample = samples[drawn(`${region} ${today}`, samples.length)];
    if (sample !== undefined && !(await isAsPublished(p, sample).catch(() => false))) {
      p.store.count(`alert_self_check_failed_${region}`);
    }
    p.store.setMeta(checked, today);
  }
}

/** @returns a number below `count` that the label gives: another each day */
function drawn(label: string, count: number): number {
  return new DataView(sha256(utf8(label)).slice().buffer).getUint32(0) % Math.max(1, count);
}

/** @returns every hour and day that the head names; those of before the event log can't be made without signing */
function samplesOf(p: Publication, { region, throughHour }: IndexPlan): Sample[] {
  const ports: RebuildPorts = {
    read: (...call: Parameters<BucketPort['getInto']>) => p.privateBucket.getInto(...call),
    readWhole: (name) => p.privateBucket.get(name),
    ...bookOf(p),
    workspace: p.workspace,
    unionRegion: p.config.unionRegion,
    retentionDays: p.config.policy.retentionDays,
  };
  const hours = p.store
    .regionHours(region, Math.floor(throughHour / 24) * 24, throughHour)
    .flatMap(({ hour, cwa, sealed }): Sample[] =>
      sealed === null
        ? []
        : [() => rebuildHour(ports, { region, hour, files: sealed.files, cwa: { ...cwa, file: sealed.cwa } })],
    );
  const listed = listedDays(p, throughHour);
  const days = p.store
    .regionDays(region, listed.first, listed.last)
    .flatMap(({ day, cut, revised, sealed }): Sample[] => {
      if (sealed === null) return [];
      const slices = p.store.regionHours(region, day * 24, day * 24 + 23).flatMap(({ cwa }) => cwa.slices);
      const cwa = { keys: sealed.cwa.keys, file: sealed.cwa };
      const shown = { region, day, cut, ...(revised === null ? {} : { revised }), files: sealed.files, cwa };
      return [() => rebuildDay(ports, shown, slices)];
    });
  const revocations = p.takings.revocations(region, throughHour).map(
    (revocation): Sample =>
      () =>
        rebuildRevocation(ports, revocation),
  );
  const google = p.store.google
    .days(region, listedGoogleDays(throughHour, p.config.policy.retentionDays))
    .filter((day) => googleFilesOf([day]).length > 0)
    .map(
      (exported): Sample =>
        () =>
          rebuildExported(ports, exported),
    );
  return [...hours, ...days, ...revocations, ...google];
}

async function isAsPublished(p: Publication, sample: Sample): Promise<boolean> {
  for await (const { name, bytes } of sample()) {
    // One byte more tells a longer object from ours.
    const found = await p.publicBucket.getStart(name, bytes.length + 1);
    if (found === null || !equalBytes(found, bytes)) return false;
  }
  return true;
}
