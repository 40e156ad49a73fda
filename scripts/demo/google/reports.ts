/**
 * @module The reporters' side of the story: codes are issued, apps verify them, share, share again what turned out, and the key of the day. Each answer is checked.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { SMS_OUTBOX } from '../../../local-edge/sms-outbox.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { type EnxPorts, openCode, reportBySelf, sendChaff, shareKeys } from '../../../phone/enx/enx.ts';
import type { EnxState } from '../../../phone/enx/state.ts';
import type { Fetch } from '../../../phone/http.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import type { OwnKey } from '../../../phone/radio/tek-schedule.ts';
import { memoryStore, type Store } from '../../../phone/store.ts';
import type { Result } from '../../../protocol/primitives/result.ts';
import { PUBLISH_PATH } from '../../../protocol/publish/request.ts';
import type { CertifiedReport } from '../../../protocol/publish/report-type.ts';
import { OWN_APP } from '../../support/local-authorities.ts';
import { issueCodes } from '../../support/operator.ts';
import type { Reporter } from './cast.ts';
import { Wire } from './wire.ts';

const DAY = 86_400;
/** A message leaves after the answer to the report that asked for it. */
const SMS_TRIES = 100;
const SMS_WAIT_MS = 50;
/** What opens an app, in a message. */
const LINK = /(?:ens|https):\/\/\S*v\?\S+/;

/** One reporter's app. */
export interface App {
  readonly reporter: Reporter;
  readonly store: Store<EnxState>;
  /** Date of symptoms, YYYY-MM-DD. */
  readonly symptomDate: string;
}

const dateOf = (at: number): string => new Date(at * 1000).toISOString().slice(0, 10);

/** @param reporter whose @param at Unix seconds of their report @returns an app that was never used */
export function appOf(reporter: Reporter, at: number): App {
  return { reporter, store: memoryStore<EnxState>(), symptomDate: dateOf(at - reporter.onsetDaysAgo * DAY) };
}

/** Apps against one edge. */
export class Reports {
  readonly wire = new Wire();
  readonly #edge: LocalEdge;
  readonly #apiKey: string;
  readonly #random: RandomBytes;

  /** @param edge a running edge @param apiKey of the app, kind device @param random source of bytes */
  constructor(edge: LocalEdge, apiKey: string, random: RandomBytes) {
    this.#edge = edge;
    this.#apiKey = apiKey;
    this.#random = random;
  }

  #ports(store: Store<EnxState>, fetch: Fetch = this.wire.fetch): EnxPorts {
    const { url } = this.#edge;
    const servers = { verificationUrl: url, publishUrl: url, apiKey: this.#apiKey, healthAuthorityId: OWN_APP };
    return { ...servers, fetch, random: this.#random, store };
  }

  /** A code for somebody, read out or sent. @returns code or link @throws Error when there is none */
  async #code(app: App, type: CertifiedReport): Promise<string> {
    if (type !== 'user-report') {
      const wanted = { testType: type, symptomDate: app.symptomDate, testDate: null, long: true };
      const [issued] = await issueCodes(this.#edge.url, 1, wanted);
      return type === 'negative' ? (issued?.code ?? '') : `ens://v?r=DE&c=${issued?.longCode ?? ''}`;
    }
    const phone = `+4915550${String(app.reporter.person.number).padStart(6, '0')}`;
    const report = { symptomDate: app.symptomDate, testDate: '', tzOffset: 60, phone };
    said(await reportBySelf(report, this.#ports(app.store)), 'a report by oneself');
    return this.#message(phone);
  }

  /** @returns the link of the message to a number @throws Error when none comes */
  async #message(phone: string): Promise<string> {
    for (let tries = 0; tries < SMS_TRIES; tries += 1) {
      let lines: string[] = [];
      try {
        lines = readFileSync(join(this.#edge.state, SMS_OUTBOX), 'utf8').trim().split('\n');
      } catch {
        // No message was ever sent.
      }
      const sent = lines.map((line) => JSON.parse(line) as { phone: string; text: string });
      const link = LINK.exec(sent.find((message) => message.phone === phone)?.text ?? '');
      if (link !== null) return link[0];
      await setTimeout(SMS_WAIT_MS);
    }
    throw new Error('a report by oneself: no message came');
  }

  /**
   * Somebody gets a code and shares.
   *
   * @param app whose
   * @param type what the code says
   * @param keys all that have ended
   * @param losesAnswer whether the first answer is lost, and the same is sent again
   * @returns keys that were new to the server
   * @throws Error naming the step that went wrong
   */
  async share(app: App, type: CertifiedReport, keys: readonly OwnKey[], losesAnswer = false): Promise<number> {
    const code = await this.#code(app, type);
    const { testType } = said(await openCode(code, this.#ports(app.store)), `the code of a ${type}`);
    if (testType !== type) throw new Error(`a code of a ${type} says ${testType}`);
    return this.shareNow(app, keys, losesAnswer);
  }

  /** As {@link share}, by the code of before. */
  async shareNow(app: App, keys: readonly OwnKey[], losesAnswer = false): Promise<number> {
    const ports = this.#ports(app.store, losesAnswer ? this.wire.losing(PUBLISH_PATH) : this.wire.fetch);
    const first = await shareKeys(keys, 0, ports);
    if (losesAnswer && first.ok) throw new Error('an answer was to be lost');
    const { inserted, notes } = said(losesAnswer ? await shareKeys(keys, 0, ports) : first, 'publish');
    if (notes.length > 0) throw new Error(`publish: ${notes.join('; ')}`);
    return inserted;
  }

  /** @throws Error when chaff isn't answered as what it stands for */
  async chaff(): Promise<void> {
    const answered = await sendChaff(this.#ports(memoryStore<EnxState>()));
    if (answered.includes(false)) throw new Error('chaff was not answered 200');
  }
}

function said<T>(result: Result<T, { readonly kind: string }>, what: string): T {
  if (!result.ok) throw new Error(`${what}: ${JSON.stringify(result.error)}`);
  return result.value;
}
