/**
 * @module The `laboratory` Worker's routes (docs/spec/cwa.md §3.5): laboratories post results over mTLS, on a host name of
 * their own. Which laboratory it is comes from the verified client certificate alone, never from a header or the body.
 */
import { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { laboratoryOf } from '../../domain/laboratory-list.ts';
import { parseStrictJson } from '../../domain/strict-json.ts';
import {
  MAX_RESULTS_PER_REQUEST,
  parsePostedResults,
  type PostedResult,
  type ResultKind,
} from '../../domain/test-result.ts';
import type { Poster } from '../../durable-objects/result-store/result-store-ops.ts';
import { readBody } from '../shared/body.ts';
import { parsedOnce } from '../shared/env.ts';
import { noStore } from '../shared/no-store.ts';
import { type LaboratoryConfig, type LaboratoryEnv, parseBindings } from './bindings.ts';
import type { LaboratoryCertificate } from './certificate.ts';
import { createListReader } from './list.ts';
import { byShard, listObject } from './shards.ts';

/** 5,000 rows of about 110 bytes, twice over. */
const MAX_BODY_BYTES = 1_200_000;
const JSON_LIMITS = { depth: 4, members: MAX_RESULTS_PER_REQUEST * 5 } as const;

/** CWA's paths, each with the codes it may post; its paths that read a result are verification's affair and not here. */
const ROUTES: Readonly<Record<string, ResultKind>> = {
  '/api/v1/lab/results': 'lab',
  '/api/v1/quicktest/results': 'quicktest',
  '/api/v1/pocnat/results': 'pocnat',
};

/**
 * @param request the request as it came
 * @returns the verified client certificate, or null when there is none
 */
type CertificateReader = (request: Request) => LaboratoryCertificate | null;

export interface LaboratoryAppOptions {
  readonly clock: Clock;
  readonly certificate: CertificateReader;
}

/**
 * Builds the Worker.
 *
 * @param options.certificate in production `platformCertificate`; the local edge hands in its own
 */
export function createApp({ clock, certificate }: LaboratoryAppOptions): Hono<{ Bindings: LaboratoryEnv }> {
  const configOf = parsedOnce((env: LaboratoryEnv) => {
    const config = parseBindings(env);
    return { ...config, readList: createListReader(config.listKeys) };
  });
  const app = new Hono<{ Bindings: LaboratoryEnv }>();
  app.use('*', noStore());

  for (const [path, kind] of Object.entries(ROUTES)) {
    app.post(path, async (c) => {
      const config = configOf(c.env);
      const shown = certificate(c.req.raw);
      if (shown === null) return c.json({ error: 'a verified client certificate is needed' }, 401);
      const { document, blocked, ended } = await listObject(config.store).listFor(shown.marks);
      if (ended) return c.json({ error: 'the service has ended: no result is taken any more' }, 410);
      const laboratory = blocked ? null : laboratoryOf(config.readList(document), shown.fingerprint);
      if (laboratory === null) return c.json({ error: 'this certificate is not in the list of laboratories' }, 403);
      const body = await readBody(c.req.raw, MAX_BODY_BYTES);
      if (body.kind === 'too-large') return c.json({ error: `body: at most ${MAX_BODY_BYTES} bytes` }, 413);
      if (body.kind === 'broken') return c.json({ error: 'body: ended early' }, 400);
      const json = parseStrictJson(new TextDecoder().decode(body.bytes), JSON_LIMITS);
      if (!json.ok) return c.json({ error: `body: ${json.error.kind}` }, 400);
      const rows = parsePostedResults(json.value, kind, Math.floor(await clock()));
      if (!rows.ok) return c.json({ error: `${rows.error.field}: ${rows.error.rule}` }, 400);
      // A partner's QR code holds the date of birth itself: none is given beside it, so none can be required.
      const needsBirthDate = kind === 'lab' && laboratory.birthDate === 'required';
      const foreign = await store(config, { labId: laboratory.id, needsBirthDate }, rows.value);
      if (foreign.length > 0)
        return c.json({ error: 'rows of another laboratory; nothing was stored', rows: foreign }, 409);
      return c.body(null, 204);
    });
    app.all(path, (c) => c.json({ error: 'results are posted' }, 405, { allow: 'POST' }));
  }

  app.notFound((c) => c.json({ error: 'no such route' }, 404));
  app.onError((_error, c) => c.json({ error: 'not stored; send the same request again' }, 500));
  return app;
}

/**
 * Asks every shard before any is written, so that a batch with a foreign row stores nothing. Rows with a date of birth are
 * written before those without: who finds a test answered must find what its date of birth is held against. A shard that
 * fails halfway leaves rows of this laboratory in the others: the same request again completes it.
 *
 * @returns positions of foreign rows in the request; empty when everything was stored
 */
async function store(config: LaboratoryConfig, poster: Poster, rows: readonly PostedResult[]): Promise<number[]> {
  const groups = [...byShard(rows)];
  const positions = new Map(rows.map((row, i) => [row.id, i]));
  const inRequest = (group: readonly PostedResult[], at: readonly number[]): number[] =>
    at.map((i) => positions.get(group[i]?.id ?? '') ?? -1);

  const asked = await Promise.all(
    groups.map(async ([name, group]) =>
      inRequest(
        group,
        await config.store.getByName(name).foreign(
          poster.labId,
          group.map((row) => row.id),
        ),
      ),
    ),
  );
  const foreign = asked.flat();
  if (foreign.length > 0) return foreign.toSorted((a, b) => a - b);
  const put = async (part: readonly PostedResult[]): Promise<number[]> => {
    const taken = await Promise.all(
      [...byShard(part)].map(async ([name, group]) =>
        inRequest(group, await config.store.getByName(name).put(poster, group)),
      ),
    );
    return taken.flat();
  };
  const hasBirthDate = ({ id }: PostedResult): boolean => id.startsWith('x');
  const late = await put(rows.filter(hasBirthDate));
  if (late.length === 0) late.push(...(await put(rows.filter((row) => !hasBirthDate(row)))));
  return late.toSorted((a, b) => a - b);
}
