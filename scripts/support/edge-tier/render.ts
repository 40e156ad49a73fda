/**
 * @module Turns deploy/nginx/ into the configuration of one run: other ports, the Workers' address, and log lines that
 * count what reaches the next tier. The counters hold status, method and path: nothing of the client.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = join(import.meta.dirname, '..', '..', '..', 'deploy', 'nginx');

/** Where each part listens, on 127.0.0.1. */
export interface TierPorts {
  readonly shield: number;
  readonly edges: readonly [number, number, number];
  /** The same bytes as static files: the limit. */
  readonly statics: number;
  /** TLS in front of the Workers, no cache. */
  readonly uncached: number;
}

/** What a run differs in from the file as it stands in deploy/. */
export interface RenderOptions {
  /** The run's folder, made if missing. */
  readonly folder: string;
  readonly ports: TierPorts;
  /** Host and port of the Workers, e.g. `127.0.0.1:8787`. */
  readonly workers: string;
  /** nginx drops root's rights unless told otherwise, and could then not write into the run's folder. */
  readonly asRoot: boolean;
}

/** Replaces what must be there: a mark that has gone missing would leave a test without its counter. */
function replaceMark(text: string, mark: string, by: string): string {
  if (!text.includes(mark)) throw new Error(`edge: deploy/nginx has no "${mark}" any more`);
  return text.replaceAll(mark, by);
}

/**
 * Writes `nginx.conf` and what it includes into the run's folder.
 *
 * @param options see {@link RenderOptions}
 * @throws Error when a mark in deploy/nginx/ that the run relies on is missing
 */
export function renderTier(options: RenderOptions): void {
  const { folder, ports, workers, asRoot } = options;
  for (const name of ['temp', 'static', 'snippets']) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['edge-object', 'edge-post']) {
    copyFileSync(join(SOURCE, 'snippets', `${name}.conf`), join(folder, 'snippets', `${name}.conf`));
  }
  const read = (name: string): string => readFileSync(join(SOURCE, name), 'utf8');

  let server = read('snippets/edge-server.conf');
  server = replaceMark(
    server,
    '# load-tests/edge-tier/cli.ts puts its counter of shield reads here',
    counter('shield'),
  );
  writeFileSync(join(folder, 'snippets/edge-server.conf'), server);

  let cache = read('edge-cache.conf');
  cache = replaceMark(cache, '# load-tests/edge-tier/cli.ts puts its counter of origin reads here', counter('origin'));
  cache = replaceMark(cache, '127.0.0.1:8787', workers);
  cache = replaceMark(cache, '127.0.0.1:8430', `127.0.0.1:${ports.shield}`);
  ports.edges.forEach((port, index) => {
    cache = replaceMark(cache, `127.0.0.1:844${index + 1} ssl`, `127.0.0.1:${port} ssl`);
  });
  // Where a test looks when nginx complains; in deploy/ it goes into nothing, for it names clients.
  cache = replaceMark(cache, 'error_log /dev/null crit;', 'error_log error.log error;');
  writeFileSync(join(folder, 'edge-cache.conf'), cache);
  writeFileSync(join(folder, 'nginx.conf'), mainConfig(ports, asRoot));
}

/** One line for each request that went on to the next tier, those that nginx makes on its own account included. */
const counter = (name: string): string => `access_log ${name}-reads.log reads if=$asked; log_subrequest on;`;

const TEMPORARY = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

function mainConfig(ports: TierPorts, asRoot: boolean): string {
  const tls = [
    'ssl_certificate tls/chain.pem; ssl_certificate_key tls/leaf.key; ssl_protocols TLSv1.2 TLSv1.3;',
    'ssl_session_cache off; ssl_session_tickets off;',
  ].join(' ');
  return `# Made by load-tests/edge-tier/cli.ts for one run.
${asRoot ? 'user root;' : ''}
worker_processes auto;
pid nginx.pid;
error_log error.log error;
events { worker_connections 16384; multi_accept on; }
http {
  default_type application/octet-stream;
  types { application/json json; application/zip zip; }
  ${TEMPORARY.map((name) => `${name}_temp_path temp/${name};`).join(' ')}
  log_format reads '$upstream_status $upstream_cache_status $request_method $uri';
  map $upstream_status $asked { '' 0; default 1; }
  include edge-cache.conf;

  # For the comparison alone: the same bytes as files, and the Workers with TLS but without a cache.
  server {
    listen 127.0.0.1:${ports.statics} ssl http2 backlog=4096;
    ${tls}
    root static;
    location / { try_files $uri =404; add_header Cache-Control "public, max-age=60"; }
  }
  server {
    listen 127.0.0.1:${ports.uncached} ssl http2 backlog=4096;
    ${tls}
    location / {
      proxy_pass http://exposure_edge_workers;
      proxy_pass_request_headers off;
      proxy_set_header Host exposure-edge.invalid;
      proxy_set_header Connection "";
      proxy_set_header If-None-Match $http_if_none_match;
    }
  }
}
`;
}
