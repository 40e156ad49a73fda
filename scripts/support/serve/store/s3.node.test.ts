/** Stores that answer as none should, without a real one; with one: gateway.long.node.test.ts. */
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, onTestFinished } from 'vitest';
import { Bucket } from './bucket.ts';
import type { R2CallOf } from './r2-call.ts';
import { endWhenSilent, openStore } from './s3.ts';

async function storeThat(answers: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answers(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function bucketAt(endpoint: string): Bucket {
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const store = openStore({ endpoint, region: 'us-east-1', pathStyle: true, credentials });
  onTestFinished(() => store.dispose());
  return new Bucket(store, 'bucket');
}

const LIST: R2CallOf<'list'> = { version: 1, method: 'list', newRuntime: true, prefix: '', include: [] };

describe('a body', () => {
  const opened = (url: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => get(url, resolve).once('error', reject));

  it('that stops coming is ended', async ({ expect }) => {
    const body = await opened(
      await storeThat((response) => response.writeHead(200, { 'content-length': 100 }).write('half')),
    );
    endWhenSilent(body, 30, 5);
    await expect(body.toArray()).rejects.toThrow('fell silent');
  });

  it('that waits for whoever reads it is not', async ({ expect }) => {
    const bytes = Buffer.alloc(1024 * 1024);
    const body = await opened(await storeThat((response) => response.end(bytes)));
    endWhenSilent(body, 30, 5);
    body.read(0);
    await new Promise((resolve) => setTimeout(resolve, 120));
    expect(Buffer.concat(await body.toArray())).toHaveLength(bytes.length);
  });
});

describe('a listing', () => {
  const listing = (inside: string) => (response: ServerResponse) =>
    response.end(`<ListBucketResult><IsTruncated>true</IsTruncated>${inside}</ListBucketResult>`);

  it('that is cut without a word on the rest is an error, and no shorter listing', async ({ expect }) => {
    const bucket = bucketAt(await storeThat(listing('')));
    await expect(bucket.list(LIST)).rejects.toThrow('no token for the rest');
  });

  it('leaves out what can’t be one of ours', async ({ expect }) => {
    const object = (key: string) => `<Contents><Key>${key}</Key><ETag>&quot;e&quot;</ETag><Size>1</Size></Contents>`;
    const objects = ['../../x!', 'my photo!', 'v1/a!'].map(object).join('');
    const bucket = bucketAt(await storeThat(listing(`<NextContinuationToken>n</NextContinuationToken>${objects}`)));
    const found = await bucket.list(LIST);
    expect(found.objects.map(({ name, etag }) => `${name} ${etag}`)).toEqual(['v1/a e']);
    expect(found).toMatchObject({ truncated: true, cursor: 'n' });
  });
});

describe('a refusal', () => {
  it.for([
    [301, 'another region'],
    [400, 'is the region right'],
    [403, 'may the key do this'],
  ] as const)('%s says what to look at', async ([status, words], { expect }) => {
    const bucket = bucketAt(await storeThat((response) => response.writeHead(status).end()));
    await expect(bucket.clock()).rejects.toThrow(words);
  });
});
