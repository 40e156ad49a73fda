/**
 * @module Passes one request on to workerd, as it came, and the answer back.
 */
import { Agent, type IncomingMessage, request as forward, type ServerResponse } from 'node:http';
import { TARGET_HEADER } from './target-header.ts';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

/** Ends connections that wait for further requests. */
export const endConnections = (): void => agent.destroy();

/**
 * @param request that came
 * @param response to it
 * @param port of workerd on 127.0.0.1
 * @param target the Worker that answers, by its name within Miniflare
 * @returns when the answer has been passed back
 */
export function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  target: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = forward(
      {
        agent,
        host: '127.0.0.1',
        port,
        method: request.method,
        path: request.url,
        headers: { ...request.headers, [TARGET_HEADER]: target },
      },
      (came) => {
        response.writeHead(came.statusCode ?? 502, came.statusMessage, came.headers);
        came.pipe(response);
        came.once('error', reject);
      },
    );
    // At its end, or when who asked has gone away, maybe before an answer came.
    response.once('close', () => {
      if (!response.writableFinished) sent.destroy();
      resolve();
    });
    sent.once('error', reject);
    request.once('error', reject);
    request.pipe(sent);
  });
}
