/**
 * @module What the double answers with, in Cloudflare's envelope.
 */
import type { Worker } from './state.ts';

/** A call that the platform refuses. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  /** One error of the envelope each. */
  readonly messages: readonly string[];

  /**
   * @param status HTTP status
   * @param code Cloudflare's, as wrangler and its users know them
   * @param messages for a person
   */
  constructor(status: number, code: number, ...messages: string[]) {
    super(messages.join('; '));
    this.status = status;
    this.code = code;
    this.messages = messages;
  }
}

/** An answer that isn't just a result. */
export class Reply {
  readonly result: unknown;
  readonly more: Readonly<Record<string, unknown>>;
  readonly status: number;

  /**
   * @param result of the envelope
   * @param more e.g. `result_info`
   * @param status HTTP status
   */
  constructor(result: unknown, more: Readonly<Record<string, unknown>> = {}, status = 200) {
    this.result = result;
    this.more = more;
    this.status = status;
  }
}

/**
 * @param items all
 * @param query `page` and `per_page`
 * @returns the page that was asked for, with `result_info`
 */
export function paged(items: readonly unknown[], query: Readonly<Record<string, string>>): Reply {
  const page = Number(query['page'] ?? 1);
  const perPage = Number(query['per_page'] ?? 1000);
  const result = items.slice((page - 1) * perPage, page * perPage);
  return new Reply(result, {
    result_info: {
      page,
      per_page: perPage,
      count: result.length,
      total_count: items.length,
      total_pages: Math.ceil(items.length / perPage),
    },
  });
}

/**
 * @param value e.g. a Worker that was looked up
 * @param refusal what to throw where there is none
 * @returns the value
 */
export function required<T>(value: T | undefined, refusal: Refusal): T {
  if (value === undefined) throw refusal;
  return value;
}

/** The answer of the Workers API to a name it doesn't know; wrangler knows the code (`WORKER_NOT_FOUND_ERR_CODE`). */
const workerNotFound = (): Refusal => new Refusal(404, 10007, 'This Worker does not exist on your account.');

/**
 * @param workers by name
 * @param name looked for
 * @returns the Worker
 * @throws Refusal 10007
 */
export const workerNamed = (workers: Readonly<Record<string, Worker>>, name: string): Worker =>
  required(Object.hasOwn(workers, name) ? workers[name] : undefined, workerNotFound());
