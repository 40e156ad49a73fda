/**
 * @module Neighbours of the Worker under test, as prebuilt inline Workers: real entrypoints over real RPC, with a memory in place of storage. They exist so that a Worker's own tests start without
 * the other Workers; what the real ones do together is tested in test/integration.
 */
import { CODES } from './stub-codes.ts';

/** Shape that vitest-plugin hands to Miniflare (options of version 4). */
type StubWorker = {
  readonly name: string;
  readonly modules: true;
  readonly script: string;
  readonly compatibilityDate: string;
};

const COMPATIBILITY_DATE = '2026-11-01';

const stub = (name: string, script: string): StubWorker => ({
  name: `exposure-edge-${name}`,
  modules: true,
  script,
  compatibilityDate: COMPATIBILITY_DATE,
});

/** How far the end of the deployment has come, in a stub's memory. */
const ENDING = `const ending = {
  marks: {},
  phase(object) { return this.marks[object]?.phase ?? 'open'; },
  mark(object, phase, since) { if (this.phase(object) !== 'purged') this.marks[object] = { phase, since }; },
  remains(object) {
    const { phase, since } = this.marks[object] ?? { phase: 'open', since: null };
    return [{ object, phase, since, bytes: 4096, tables: { deployment_end: phase === 'open' ? 0 : 1 }, hasAlarm: false }];
  },
};
`;

/** verification: every TAN is known and new; BackOffice issues placeholders, one teleTAN a person, thirty cards a day. */
export const verificationStub = stub(
  'verification',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
${ENDING}const held = new Map();
const issued = new Map();
const asking = [];
const released = new Map();
const sheets = new Map();
const quotas = new Map();
const batches = new Map();
export class Redeem extends WorkerEntrypoint {
  reserve(tan, { digest, reservationId }) {
    const permit = { hour: 0, mac: '0'.repeat(64) };
    const row = held.get(tan);
    if (!row) { held.set(tan, { digest, reservationId }); return { kind: 'reserved', reservationId, issueId: null, permit }; }
    if (row.committed) return { kind: 'committed', reservationId: null };
    if (row.digest !== digest) return { kind: 'busy' };
    return { kind: 'reserved', reservationId: row.reservationId, issueId: null, permit };
  }
  commit(tan, id) { const row = held.get(tan); if (row?.reservationId === id) row.committed = true; }
  release(tan, id) { const row = held.get(tan); if (row?.reservationId === id && !row.committed) held.delete(tan); }
}
export class BackOffice extends WorkerEntrypoint {
  issueTans({ count }) { return { tans: Array.from({ length: count }, () => crypto.randomUUID()) }; }
  issuesOf({ name }) { return name === 'nobody' ? [] : ['l' + '0'.repeat(32)]; }
  issueSources(ids) { return ids.map((id, n) => ({ kind: 'laboratory', source: 'lab-' + (n + 2), day: 20717 })); }
  endIssues() {}
  forgetExpired() { return { forgotten: 0 }; }
  stopForGood(hour) { ending.mark('ledger', 'stopped', hour); }
  purgeForGood(hour) { ending.mark('ledger', 'purged', hour); }
  remains() { return ending.remains('ledger'); }
  clocks() { return []; }
  confirmClocks() { return []; }
  issueTeleTan(issuer, request) {
    const before = this.orderedTeleTan(issuer, request);
    if (before || issued.has(issuer)) return before;
    issued.set(issuer, { request, id: 'ab'.repeat(16), hint: 'R3Z', issuedAt: 1790000000, expiresAt: 1790003600, revokedAt: null });
    return this.orderedTeleTan(issuer, request);
  }
  orderedTeleTan(issuer, request) {
    const row = issued.get(issuer);
    return row?.request === request && row.revokedAt === null ? { teleTan: 'R3ZNUEV9JA', expiresAt: row.expiresAt } : null;
  }
  revokeTeleTan(id, issuer) {
    const row = issued.get(issuer);
    if (row?.id !== id) return false;
    row.revokedAt ??= 1790000060;
    return true;
  }
  teleTanBook(issuer) {
    const entries = issued.has(issuer) ? [issued.get(issuer)] : [];
    const asked = asking.find((one) => one.issuer === issuer)?.codes ?? 0;
    return { entries, used: entries.length, limit: 1 + (released.get(issuer) ?? 0), asked, mayAsk: true };
  }
  askBeyondQuota(issuer, person, codes) {
    if (!issued.has(issuer)) return false;
    asking.push({ id: crypto.randomUUID().replaceAll('-', ''), issuer, person, codes, askedAt: 1790000000 });
    return true;
  }
  quotaRequests() { return asking; }
  releaseQuota(id, by) {
    const at = asking.findIndex((one) => one.id === id);
    if (at < 0) return { kind: 'gone' };
    const { issuer, person, codes } = asking[at];
    if (person === by) return { kind: 'own' };
    asking.splice(at, 1);
    released.set(issuer, codes);
    return { kind: 'released', issuer, codes };
  }
  teleTanQuotas() { return [...quotas].map(([issuer, teleTansPerHour]) => ({ issuer, teleTansPerHour })); }
  setTeleTanQuota(issuer, perHour) { quotas.set(issuer, perHour); }
  orderedCards(provider, request) { return sheets.get(provider + request) ?? null; }
  makeCards(provider, label, size, request) {
    if (size > 30) return null;
    if (sheets.has(provider + request)) return sheets.get(provider + request);
    const batch = { batchId: crypto.randomUUID(), provider, label, size, used: 0, createdAt: 1790000000, expiresAt: 1797776000, withdrawnFrom: null };
    batches.set(batch.batchId, batch);
    const cards = Array.from({ length: size }, (_, i) => ({ code: 'ABCDEFGHJKMNPQ' + (i + 2), guid: '00000' + i + '-00000000-0000-4000-8000-000000000000' }));
    sheets.set(provider + request, { batch, cards });
    return { batch, cards };
  }
  own(provider) { return [...batches.values()].filter((batch) => provider === null || batch.provider === provider).reverse(); }
  cardBatches(provider, from) {
    const own = this.own(provider);
    const at = from === null ? -1 : own.findIndex((batch) => batch.batchId === from.batchId);
    const page = from?.direction === 'newer' ? own.slice(Math.max(0, at - 2), at) : own.slice(at + 1, at + 3);
    return { batches: page, newer: page[0] !== own[0], older: page.at(-1) !== own.at(-1) };
  }
  cardBatch(batchId, provider) { return this.own(provider).find((batch) => batch.batchId === batchId) ?? null; }
  withdrawBatch(batchId, provider, from) {
    const batch = this.cardBatch(batchId, provider);
    if (!batch) return null;
    return (batch.withdrawnFrom = Math.min(from, batch.withdrawnFrom ?? from));
  }
  guesses() { return { thisHour: 1001, lastHour: 7, alarm: true }; } codeGuesses() { return { thisHour: 40, lastHour: 2002, alarm: true }; }
${CODES}}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);

/** origin: knows ids and keys, checks no permit; BackOffice is always idle. */
export const originStub = stub(
  'origin',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
${ENDING}let policyInForce = { version: 1, supportedCountries: ['DE', 'FR'], ended: false, authorities: { version: 0, authorities: [] } };
const versions = [];
const stored = new Set();
const dead = new Set();
const known = new Set();
export class Intake extends WorkerEntrypoint {
  accept(uploadId, { keys }) {
    if (dead.has(uploadId)) return { kind: 'tombstone', receipt: '' };
    stored.add(uploadId);
    // Packed: 40 bytes a key, key_data at 8 (domain/packed-upload.ts).
    for (let at = 8; at < keys.length; at += 40) known.add(keys.slice(at, at + 16).join());
    return { kind: 'stored' };
  }
  resolve(uploadId) {
    if (stored.has(uploadId)) return { kind: 'stored' };
    dead.add(uploadId);
    return { kind: 'tombstone', receipt: '' };
  }
  policy() { return policyInForce; }
  known(keys) { return keys.map(({ keyData }) => (known.has(keyData.join()) ? 'known' : 'new')); }
  withdraw() { return 'heard'; }
}
export class Policy extends WorkerEntrypoint { policy() { return policyInForce; } putPolicy(policy) { policyInForce = policy; } }
const imported = new Map();
export class Exchange extends WorkerEntrypoint {
  importBatch({ peer, batch, sha256, keys, revoked }) {
    const name = peer + ' ' + batch;
    if (imported.has(name) && imported.get(name) !== sha256) return { kind: 'conflict' };
    const kind = imported.has(name) ? 'known' : 'imported';
    imported.set(name, sha256);
    return { kind, counts: { imported: keys.length / 24, left: 0, revoked: revoked.length / 16, strange: 0 } };
  }
}
export class BackOffice extends WorkerEntrypoint {
  advance() { return { idle: true }; }
  clocks() { return [{ object: 'publisher', now: 1790000000, confirmed: 1790000000, held: false }]; }
  confirmClocks(at) { return [{ object: 'publisher', now: 1790000000, confirmed: Math.min(at, 1790000000), held: at < 1789992800 }]; }
  stopForGood(hour) { ending.mark('publisher', 'stopped', hour); }
  purgeForGood(hour) { ending.mark('publisher', 'purged', hour); }
  remains() { return ending.remains('publisher'); }
  ending() { return { waits: false, announced: ending.phase('publisher') !== 'open', kept: null }; }
  bucketObjects() { return [{ bucket: 'public', name: 'v1/DE/manifest.json', size: 900, sha256: null }, { bucket: 'public', name: 'v1/EUR/manifest.json', size: 100, sha256: null }]; }
  certify(request) {
    const open = [...this.remains(), ...request.objects].filter(({ phase }) => phase !== 'purged');
    return open.length > 0 ? { kind: 'left', what: open.map(({ object }) => object) } : { kind: 'proved', certificate: 'signed', proof: request };
  }
  planRollback(ids, key) {
    if (key.includes('BADKEY')) return { kind: 'bad-key', reason: 'damaged, or sealed to another key or for another use' };
    const line = { day: 20717, unpublished: { fewerThan: 280 }, published: { fewerThan: 420 }, mixed: { fewerThan: 280 }, gone: 0, ofDay: 4700 };
    return { kind: 'plan', days: [{ ...line, region: 'DE' }, { ...line, region: 'EUR' }], others: ['l' + '1'.repeat(32)] };
  }
  rollBack({ undoKey }) { return { kind: 'rolled-back', state: undoKey === null ? 'key' : 'done', dropped: 5, taken: undoKey === null ? 0 : 42, waits: null }; }
  rollbackWaits(ids) { return ids.map(() => null); }
  undoPeerBatch() { return { state: 'done', dropped: 3, taken: 4 }; }
  status() { return { regions: [], idle: true, counters: {} }; }
  restore({ confirm, journalSecret }) {
    if (journalSecret === null) return { kind: 'needs-secret', journalHeader: 'AAAA' };
    return { kind: confirm ? 'restored' : 'would-restore', facts: {} };
  }
  parameterStatus() {
    const audience = { percentage: 100, android: 'all', ios: 'all' };
    const history = versions.map((text, at) => ({ version: at + 1, action: 'publish', hour: 497222, documents: [{ sha256: String(at + 1).padStart(64, '0'), size: text.length, audience }] }));
    return { version: versions.length, published: true, issuedAt: 1790000000, validUntil: 1791209600, history: history.toReversed() };
  }
  parameterDocument(name) { return versions[Number(name) - 1] ?? null; }
  publishParameters({ document, audience, dryRun }, expected, persons = 1) {
    const version = versions.length;
    if (expected !== version) return { kind: 'conflict', version };
    if (persons < 2 && version > 0 && (audience?.percentage ?? 100) > 10) return { kind: 'needs-second-person', version: version + 1, abovePercentage: 10 };
    if (dryRun) return { kind: 'would-publish', version: version + 1 };
    versions.push(document);
    return { kind: 'published', version: version + 1 };
  }
  rollbackParameters({ toVersion }, expected, persons = 1) {
    return this.publishParameters({ document: versions[(toVersion ?? versions.length - 1) - 1], audience: null, dryRun: false }, expected, persons);
  }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);

/**
 * laboratory: the result is the second digit of the id, so that a test chooses it; an id that begins with b is of a
 * laboratory which requires dates of birth; asking stores nothing.
 */
export const laboratoryStub = stub(
  'laboratory',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
${ENDING}const forgotten = new Set();
export class Results extends WorkerEntrypoint {
  resultOf(id) {
    // Ids of tests end in one digit, again and again; that of a card, which is a hash, is unknown to every laboratory.
    const isTest = id.endsWith(id.at(-1).repeat(20)) && !forgotten.has(id);
    const result = isTest ? Number.parseInt(id.at(1), 10) || 0 : 0;
    return { result, sampleCollected: result ? 1790000000 : null, labId: result ? 'lab-1' : null, keptUntil: result ? 1800000000 : null, positiveDay: result === 2 ? 20800 : null, needsBirthDate: result > 0 && id.startsWith('b') };
  }
  forget(id) { forgotten.add(id); }
}
export class BackOffice extends WorkerEntrypoint {
  setLaboratories(document) { return document === 'signed' ? { ok: true } : { ok: false, reason: 'version 77 is not higher than the stored one', refusal: { kind: 'newer' } }; }
  laboratories() { return { version: 0, laboratories: [] }; }
  clocks() { return []; }
  confirmClocks() { return []; }
  blockCertificate() {}
  stopForGood(hour) { ending.mark('results-r0', 'stopped', hour); }
  purgeForGood(hour) { ending.mark('results-r0', 'purged', hour); }
  remains() { return ending.remains('results-r0'); }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);

/** federation: two peers, NL well and IT with a batch set aside; what operators do is kept in memory. */
export const federationStub = stub(
  'federation',
  `import { WorkerEntrypoint } from 'cloudflare:workers';
${ENDING}const HOUR = Math.floor(1790000000 / 3600);
const peerOf = (region, { batches, breaker, failures, lastSuccessHour, fault, format }) => ({
  config: { RegionID: region, RemoteRegionURL: 'https://feeds.example/' + region.toLowerCase(), ReplicationType: region === 'IT' ? 'partial' : 'a2a', Format: format, VerificationKeys: null, TLSConsumerCertificate: 'PEER_CERTIFICATE' },
  state: { lastBatchID: '41', recommendedNextPollTime: null, failures, breaker, stopped: { in: false, out: false } },
  fault, lastSuccessHour, nextPoll: null, counters: {},
  given: [{ hour: HOUR, keys: 80 }],
  batches: [...batches, ...Array.from({ length: 30 }, (_, n) => ({ batch: String(41 - n), hour: HOUR - n, sha256: '', state: 'imported', reason: null, keys: 110 + n, imported: 100 + n, revoked: 1, dropped: { future: 3 } }))],
});
const held = { batch: '42', hour: HOUR, sha256: '', state: 'quarantined', reason: 'keys-per-batch: 200001, 200000 are allowed', keys: 200001, imported: 0, revoked: 0, dropped: {} };
const peers = new Map([
  ['IT', peerOf('IT', { batches: [held], breaker: 'keys-per-batch', failures: 0, lastSuccessHour: HOUR, fault: null, format: 'dp3t' })],
  ['NL', peerOf('NL', { batches: [], breaker: null, failures: 4, lastSuccessHour: HOUR - 3, fault: 'http: 503', format: 'exposure-edge' })],
]);
const readOf = (batches) => {
  const hours = Map.groupBy(batches.filter(({ state }) => state === 'imported'), ({ hour }) => hour);
  const sum = (some, name) => some.reduce((n, one) => n + one[name], 0);
  return [...hours].map(([hour, some]) => ({ hour, keys: sum(some, 'keys'), imported: sum(some, 'imported'), revoked: sum(some, 'revoked'), dropped: { future: 3 * some.length } }));
};
const settle = (region, batch, state) => {
  const peer = peers.get(region);
  const one = peer?.batches.find((line) => line.batch === batch && line.state === 'quarantined');
  if (one === undefined) return false;
  Object.assign(one, { state });
  peer.state.breaker = null;
  return true;
};
export class BackOffice extends WorkerEntrypoint {
  advance() { return { idle: true }; }
  peers() {
    return [...peers.values()].map(({ batches, ...peer }) => ({ ...peer, batches: batches.slice(0, 100), read: readOf(batches), waiting: batches.filter(({ state }) => state === 'quarantined').length }));
  }
  batches(region) { return peers.get(region)?.batches ?? []; }
  stopPeer(region, direction, stopped) {
    if (peers.has(region)) peers.get(region).state.stopped[direction] = stopped;
    return peers.has(region);
  }
  rereadPeer(region) { return peers.has(region); }
  releaseBatch(region, batch) { return settle(region, batch, 'imported') ? { kind: 'released', imported: 1 } : { kind: 'none' }; }
  discardBatch(region, batch) { return settle(region, batch, 'discarded'); }
  clocks() { return []; }
  confirmClocks() { return []; }
  stopForGood(hour) { ending.mark('peer-NL', 'stopped', hour); }
  purgeForGood(hour) { ending.mark('peer-NL', 'purged', hour); }
  remains() { return ending.remains('peer-NL'); }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
);
