/**
 * @module Writes the dummies that k6 sends in the scenario `cover`: made by the reference phone's own code (phone/), of the sizes and the
 * number that parameters/default.json has phones send. k6 can't run that code, so the bytes are prepared.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chaffRequests } from '../../phone/enx/requests.ts';
import { dummyRequest } from '../../phone/upload/upload-request.ts';
import { dummyVerificationRequest, type VerificationRoute } from '../../phone/verification/verification-request.ts';
import { parseParameters } from '../../protocol/parameters/document.ts';
import { scheduleOf } from '../capacity/schedule.ts';

const PARAMETERS = join(import.meta.dirname, '../../parameters/default.json');
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
/** Of each kind; any may be sent again. */
const DUMMIES = 20;
/** The questions of a registration, a poll and a share, in their order (phone/course/playbook.ts). */
const ASKED: readonly (readonly [VerificationRoute, VerificationRoute])[] = [
  ['registrationToken', 'testresult'],
  ['testresult', 'tan'],
  ['tan', 'testresult'],
];

/** A request as it leaves the phone. */
interface Made {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** As load-tests/scenarios/ reads it: bytes in base64, chaff, which is JSON, as it is. */
const prepared = ({ path, headers, body }: Made, encoding: 'base64' | 'latin1' = 'base64') => ({
  path,
  headers,
  body: Buffer.from(body).toString(encoding),
});

/**
 * @param file where the requests are written, JSON, with the actions of a phone and day
 * @throws Error when the parameters are refused
 */
export function prepareCover(file: string): void {
  const parameters = parseParameters(JSON.parse(readFileSync(PARAMETERS, 'utf8')));
  if (!parameters.ok) throw new Error('load: parameters/default.json is refused: npm run config -- validate');
  const { coursesPerPhone, actionsPerCourse } = scheduleOf(parameters.value);
  const { uploadBodyBytes } = parameters.value.coverTraffic;
  const times = Array.from({ length: DUMMIES });
  const questions = times.flatMap(() =>
    ASKED.map((routes) => routes.map((route) => prepared(dummyVerificationRequest(route, random)))),
  );
  const dummies = times.map(() => prepared(dummyRequest(random, uploadBodyBytes)));
  const chaff = times.flatMap(() => chaffRequests('', random).map((one) => prepared(one, 'latin1')));
  // A list of one: k6 shares lists alone among its phones.
  const actionsPerPhone = [coursesPerPhone * actionsPerCourse];
  const all = { actionsPerPhone, questions, dummies, chaff, real: [], expired: [] };
  writeFileSync(file, JSON.stringify(all), { mode: 0o600 });
}
