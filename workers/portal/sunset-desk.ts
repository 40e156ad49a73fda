/**
 * @module The end of the deployment as the portal leads it (docs/sunset.md): it alone knows who is who, so it asks for the deployment's name and for a
 * second person, then each Worker for its part. No state of its own: every object knows its phase, and each step can be given again.
 *
 * What a crash in between leaves: of `stop`, some objects open; of `purge`, some stopped, the staff room always, which goes last. The command given
 * again goes on, without a further agreement.
 */
import type { BucketObject, CertifyReply, EndPhase, ObjectRemains, OriginEnding } from '../../domain/sunset.ts';
import type { EndConsent, EndStep } from '../../durable-objects/staff-room/sunset-ops.ts';
import { ROLLED_BACK_KEYS_LEAVE_SECONDS } from '../../domain/rollback.ts';
import { dateOf, hourOf } from '../../protocol/gaen/intervals.ts';
import { remainsOf } from '../shared/ending.ts';
import { auditedName, type StaffContext } from './staff-context.ts';

/** Of each bucket so many objects are counted; beyond that a number stands for so many or more. */
const MOST_LISTED = 10_000;

/** What there is, and how far it is on its way to the end. */
export interface SunsetStatus {
  readonly deployment: string;
  readonly ending: OriginEnding;
  readonly objects: readonly ObjectRemains[];
  /** Bucket and first folder → objects and bytes. */
  readonly buckets: Readonly<Record<string, { readonly objects: number; readonly bytes: number }>>;
}

/** early: what has to come first. */
export type StepReply =
  | { readonly kind: 'would' | 'done'; readonly step: EndStep; readonly status: SunsetStatus }
  | ({ readonly step: EndStep } & Extract<EndConsent, { kind: 'waits' }>)
  | { readonly kind: 'early'; readonly step: EndStep; readonly first: string };

/** @returns see {@link SunsetStatus}; reads only */
export async function sunsetStatus(c: StaffContext): Promise<SunsetStatus> {
  const { ORIGIN } = c.env;
  const [ending, own, ofOrigin, others] = [
    await ORIGIN.ending(),
    await ORIGIN.bucketObjects(MOST_LISTED),
    await ORIGIN.remains(),
    await remainsElsewhere(c),
  ];
  return {
    deployment: c.var.config.deployment,
    ending: { ...ending },
    objects: [...ofOrigin, ...others],
    buckets: byFolder(own),
  };
}

function byFolder(objects: readonly BucketObject[]): SunsetStatus['buckets'] {
  const folders = Map.groupBy(objects, ({ bucket, name }) => `${bucket} ${name.split('/')[0]}`);
  return Object.fromEntries(
    [...folders].map(([folder, inIt]) => [
      folder,
      { objects: inIt.length, bytes: inIt.reduce((sum, { size }) => sum + size, 0) },
    ]),
  );
}

/** Of all Workers but `origin`. */
async function remainsElsewhere(c: StaffContext): Promise<ObjectRemains[]> {
  const { VERIFICATION, LABORATORY, FEDERATION } = c.env;
  const own = await remainsOf({ 'staff-room': c.var.room });
  return [...(await VERIFICATION.remains()), ...(await LABORATORY.remains()), ...(await FEDERATION.remains()), ...own];
}

/** Takes a step, once two persons want it. @param dryRun says what would happen, and asks nobody */
export async function takeStep(c: StaffContext, step: EndStep, dryRun: boolean): Promise<StepReply> {
  const status = await sunsetStatus(c);
  const first = whatComesFirst(step, status) ?? (await openRollback(c, step, status));
  if (first !== null) return { kind: 'early', step, first };
  if (dryRun) return { kind: 'would', step, status };
  const consent = { ...(await c.var.room.consentToEnd(step, c.var.identity.person, auditedName(c))) };
  if (consent.kind === 'waits') return { ...consent, step };
  await (step === 'stop' ? stop(c) : purge(c));
  return { kind: 'done', step, status: await sunsetStatus(c) };
}

function whatComesFirst(step: EndStep, { objects, ending }: SunsetStatus): string | null {
  const phases = new Set<EndPhase>(objects.map(({ phase }) => phase));
  if (step === 'stop') return phases.has('purged') ? 'nothing: it is purged already, or being purged' : null;
  if (phases.has('open')) return 'stop';
  if (ending.waits) {
    return 'publication of the keys that wait (a day and six hours at most), and of what is taken back: with enough others, or when its own time is over (a fortnight and a day at most)';
  }
  return ending.announced ? null : 'the next hour: every region’s head must say that the service has ended';
}

/**
 * A rollback that was confirmed, and whose published keys nobody has asked back: after the end no phone would hear of it. What is asked back
 * `origin` waits for by itself.
 *
 * @returns which, and what to do; null once the stop has begun
 */
async function openRollback(c: StaffContext, step: EndStep, { objects }: SunsetStatus): Promise<string | null> {
  if (step !== 'stop' || objects.some(({ phase }) => phase !== 'open')) return null;
  for (const { id, confirmedAt, outcome } of await c.var.room.rollbacks()) {
    const state = outcome?.state ?? null;
    if (confirmedAt === null || state === 'waiting' || state === 'done') continue;
    const left = confirmedAt + ROLLED_BACK_KEYS_LEAVE_SECONDS;
    if (left <= c.var.now) continue;
    const why = state === 'key' ? 'its published keys wait for the undo key' : 'it was interrupted';
    return `rollback ${id}: ${why} (npm run rollback -- confirm --id ${id}); on ${dateOf(left)} they have left by themselves`;
  }
  return null;
}

async function stop(c: StaffContext): Promise<void> {
  const hour = hourOf(c.var.now);
  // Uploads first: what is told to phones must not be overtaken by codes that open nothing.
  for (const office of [c.env.ORIGIN, c.env.FEDERATION, c.env.VERIFICATION, c.env.LABORATORY, c.var.room])
    await office.stopForGood(hour);
}

async function purge(c: StaffContext): Promise<void> {
  const hour = hourOf(c.var.now);
  // The room last: it holds who agreed.
  for (const office of [c.env.FEDERATION, c.env.VERIFICATION, c.env.LABORATORY, c.env.ORIGIN, c.var.room])
    await office.purgeForGood(hour);
}

/** Has `origin` look at everything and sign that nothing is left. @returns the certificate, or what is left */
export async function prove(c: StaffContext): Promise<CertifyReply> {
  const objects = await remainsElsewhere(c);
  const { deployment } = c.var.config;
  const auditEnd = { ...(await c.var.room.auditEnd()) };
  return { ...(await c.env.ORIGIN.certify({ deployment, now: c.var.now, objects, audit: auditEnd })) };
}
