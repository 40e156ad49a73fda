/**
 * @module What a world's day costs: a region's keys and batches (model.ts) as requests, bytes, signatures and storage. Pure. What is counted of whom: docs/worldwide.md.
 */
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { cutDay } from '../../domain/embargo.ts';
import { ROW_BYTES } from '../../domain/publication/packed-keys.ts';
import { ExposedListWriter } from '../../protocol/feed/exposed-list.ts';
import { INTERVALS_PER_DAY, RETENTION_DAYS } from '../../protocol/gaen/intervals.ts';
import type { Measured } from '../capacity/assumptions.ts';
import { KNOWN_KEY_BYTES } from '../capacity/model.ts';
import { keysOfPerson, type DecoySizes } from './decoy-sizes.ts';
import { phoneDay, reachOf, regionDay, type PhoneDay, type RegionDay } from './model.ts';
import { feedsOfRegion } from './topology.ts';
import type { World } from './world.ts';

/** A day of the world, all regions together unless it says otherwise. */
export interface WorldDay {
  readonly region: RegionDay;
  /** Of who doesn't travel. */
  readonly phone: PhoneDay;
  /** Of who reads the regions they were in too: none where everything comes with the own region's feed. */
  readonly roamer: { readonly regions: number; readonly bytes: number; readonly requests: number };
  readonly phones: { readonly bytes: number; readonly requests: number };
  readonly between: { readonly bytes: number; readonly requests: number };
  readonly signatures: { readonly ofRegion: number; readonly all: number };
  /** Standing, when as much leaves as comes. */
  readonly stored: { readonly ofRegion: number; readonly all: number; readonly feeds: number };
}

const HOURS = 24;
/** The home country and the union (docs/architecture.md §5), each in our manifest and in Corona-Warn-App's tree. */
const PUBLISHED_REGIONS = 2;
const VIEWS = 2;
/** A document in each of two formats, signed each hour; a batch is signed as an export, and its answer in each format (docs/architecture.md §9). */
const SIGNATURES_PER_DOCUMENT = 2;
const SIGNATURES_PER_BATCH = 3;
/** A batch lies until its last key leaves: that of the day before, and up to a day after it was made. */
const BATCH_DAYS = RETENTION_DAYS + 1;

/**
 * @param measured load-tests/measured.json
 * @param world without a fault
 * @param sizes of decoys
 * @returns a day's costs
 */
export function worldDay(measured: Measured, world: World, sizes: DecoySizes): WorldDay {
  const region = regionDay(world, sizes);
  const phone = phoneDay(measured, world, region.published);
  const roamers = roamersOf(world);
  const more = world.regionsVisited * roamers;
  const ofRegion = signaturesOf(world, region);
  const { bytesPerSession, bytesPerFile } = measured.views.manifest;
  // Feeds are ZIPs, as the tree's files are.
  const zipBytesPerKey = measured.views.cwa.bytesPerKey;
  const documents = (world.regions - 1) * HOURS;
  const bytesRead =
    documents * bytesPerSession + (region.requests - documents) * bytesPerFile + region.read * zipBytesPerKey;
  const stored = storedBy(region, world, zipBytesPerKey, measured.views.manifest.bytesPerKey);
  return {
    region,
    phone,
    roamer: {
      regions: roamers === 0 ? 0 : world.regionsVisited,
      bytes: phone.bytes * (1 + (roamers === 0 ? 0 : world.regionsVisited)),
      requests: phone.requests * (1 + (roamers === 0 ? 0 : world.regionsVisited)),
    },
    phones: { bytes: world.phones * phone.bytes * (1 + more), requests: world.phones * phone.requests * (1 + more) },
    between: { bytes: world.regions * bytesRead, requests: world.regions * region.requests },
    signatures: { ofRegion, all: world.regions * ofRegion },
    stored: { ofRegion: stored.all, all: world.regions * stored.all, feeds: world.regions * stored.feeds },
  };
}

/** @returns the share of phones that read other regions: those whose trip went where the own region's feed doesn't reach */
function roamersOf(world: World): number {
  const { outside, near } = reachOf(world);
  if (outside + near === 0) return 0;
  return near > 0 ? world.travellers : world.travellers * (1 - world.travelInCluster);
}

/** Heads and files of two regions each hour, days cut again at midnight, and feeds. */
function signaturesOf(world: World, { published, batches }: RegionDay): number {
  const most = DEFAULT_CHUNK_POLICY.maxKeysPerFile;
  const files = (keys: number): number => Math.max(1, Math.ceil(keys / most));
  // Where an hour or day has several files, Corona-Warn-App's tree has one of its own.
  const signed = (keys: number): number => files(keys) + (files(keys) > 1 ? 1 : 0);
  const hourly = HOURS * (1 + signed(published / HOURS));
  const midnight = RETENTION_DAYS * signed(published);
  const documents = feedsOfRegion(world, 0).length * HOURS * SIGNATURES_PER_DOCUMENT;
  return PUBLISHED_REGIONS * (hourly + midnight) + documents + batches * SIGNATURES_PER_BATCH;
}

/** @returns bytes that stand: of each key as long as it is kept */
function storedBy(
  region: RegionDay,
  world: World,
  zipBytesPerKey: number,
  compactBytesPerKey: number,
): { readonly all: number; readonly feeds: number } {
  const days = meanLife(world.keysPerCase);
  const feeds = region.exported * BATCH_DAYS * (zipBytesPerKey + listBytesPerKey());
  const ofKey = PUBLISHED_REGIONS * (VIEWS * zipBytesPerKey + compactBytesPerKey) + ROW_BYTES + KNOWN_KEY_BYTES;
  return { all: region.published * days * ofKey + feeds, feeds };
}

/** @returns days from the upload until a key leaves, the mean of a person's */
export function meanLife(keysPerCase: number): number {
  const uploadDay = 100;
  const lives = keysOfPerson((n) => new Uint8Array(n), uploadDay * HOURS, keysPerCase).map(
    ({ rollingStartIntervalNumber: start }) => cutDay(start, INTERVALS_PER_DAY, RETENTION_DAYS) - uploadDay,
  );
  return lives.reduce((sum, life) => sum + life, 0) / lives.length;
}

/** @returns bytes of a key in DP-3T's list, by writing some */
function listBytesPerKey(): number {
  const keys = keysOfPerson((n) => new Uint8Array(n), 490_000, 14);
  const [none, some] = [new ExposedListWriter(0, 0), new ExposedListWriter(0, keys.length)];
  for (const key of keys) some.add(key);
  return (some.finish().length - none.finish().length) / keys.length;
}
