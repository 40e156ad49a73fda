/** @module What `npm run serve` is called with. */
import { flag, JSON_FLAG, oneOf, text, url, wholeNumber } from '../support/command-line/arguments.ts';
import type { Declaration } from '../support/command-line/declaration.ts';

const ACTIONS = {
  run: 'serves what --config says, until SIGTERM or Ctrl-C',
  check: 'reads --config and what it names, tries the store, and starts nothing',
  init: 'makes --out: serve.toml, secrets, public keys; and apart what must leave the machine',
  backup:
    'copies into --out what nothing else gives back: the private bucket but for the keys of rows, and the directory',
  'put-back': 'puts what backup or npm run rebuild -- --to made in --from into --bucket, headers and all',
  'test-bucket': 'does an S3 service do what is relied on? A table, row by row: --endpoint, --bucket',
  trial: 'all of it on loopback in a folder that is thrown away: an upload, a seal, downloads',
} as const;

export const SERVE = {
  name: 'npm run serve',
  summary: `Runs every Worker on one's own hardware: in workerd, with Durable Objects on the local disk and buckets in an S3 service, for nginx in front
    (docs/own-hardware.md). The Workers are those that are deployed to Cloudflare, unmodified.`,
  positionals: { action: oneOf('what to do', ACTIONS, 'run') },
  options: {
    config: text('run, check, backup, put-back: what is served', { placeholder: 'FILE', default: 'serve.toml' }),
    secrets: text('run, check, backup, put-back: in place of the file that FILE names', {
      placeholder: 'FILE',
      default: null,
    }),
    'store-credentials': text('all of these, and test-bucket: the same, {"accessKeyId", "secretAccessKey"}', {
      placeholder: 'FILE',
      default: null,
      defaultText: 'test-bucket: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY',
    }),
    out: text('init, backup: the folder', { placeholder: 'DIR', default: null }),
    from: text('put-back: the folder, with headers.json', { placeholder: 'DIR', default: null }),
    endpoint: url('test-bucket: the service', { default: null }),
    bucket: text(
      'put-back: public, private, feeds or directory; test-bucket: a bucket that exists; what is put there is removed again',
      {
        placeholder: 'NAME',
        default: null,
      },
    ),
    region: text('test-bucket: as the service calls it', { placeholder: 'NAME', default: 'us-east-1' }),
    'virtual-host': flag('test-bucket: the bucket’s name stands in the host’s, not in the path'),
    people: wholeNumber('trial: who share their keys', { min: 1, max: 1000, default: 12 }),
    'real-time': flag('trial: the deployed entry files, so that it lasts until the hour is over (an hour at most)'),
    stay: flag('trial: goes on until Ctrl-C when the story is over'),
    json: JSON_FLAG,
  },
  notes: `
What it needs: Linux with util-linux (setpriv, flock); an S3 service with four buckets; nginx in front, with TLS (deploy/nginx); for a trial nginx, openssl and Go, which
builds an S3 server once (versitygw, a minute).`,
  examples: [
    'npm run serve -- trial',
    'npm run serve -- init --out /etc/exposure-edge',
    'npm run serve -- test-bucket --endpoint https://s3.example.org --bucket probe --region eu-central-1',
    'npm run serve -- backup --config /etc/exposure-edge/serve.toml --out /var/backups/exposure-edge/today',
    'npm run serve -- run --config /etc/exposure-edge/serve.toml',
  ],
  exitCodes:
    'test-bucket: 1 when a row does not hold. run: 0 at SIGTERM and Ctrl-C; 1 when workerd ended by itself, or it could not start.',
} satisfies Declaration;
