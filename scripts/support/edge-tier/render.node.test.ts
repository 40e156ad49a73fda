import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { renderTier } from './render.ts';

let folder: string;
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'exposure-edge-render-'));
  const ports = { shield: 9_000, edges: [9_001, 9_002, 9_003], statics: 9_004, uncached: 9_005 } as const;
  renderTier({ folder, ports, workers: '127.0.0.1:9999', asRoot: false });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the configuration of a run', () => {
  it('listens on loopback alone, on the ports that were asked for', ({ expect }) => {
    const text = read('nginx.conf') + read('edge-cache.conf');
    const listens = [...text.matchAll(/^\s*listen ([^;]+);/gm)].map(([, where = '']) => where.split(' ', 1).join());
    expect(listens.toSorted()).toEqual([9_000, 9_001, 9_002, 9_003, 9_004, 9_005].map((port) => `127.0.0.1:${port}`));
  });

  it('asks the Workers where they are', ({ expect }) => {
    expect(read('edge-cache.conf')).toContain('upstream exposure_edge_workers { server 127.0.0.1:9999;');
  });

  it('writes nothing of a client: counters hold status, method and path', ({ expect }) => {
    const text = read('nginx.conf') + read('edge-cache.conf') + read('snippets/edge-server.conf');
    expect([...text.matchAll(/log_format [^;]+;/g)].map(String)).toEqual([
      "log_format reads '$upstream_status $upstream_cache_status $request_method $uri';",
    ]);
    expect(text.match(/access_log (?!off)\S+ reads if=\$asked/g)).toHaveLength(2);
  });
});

describe('the configuration that is deployed', () => {
  const deployed = [
    'edge-cache.conf',
    'snippets/edge-server.conf',
    'snippets/edge-object.conf',
    'snippets/edge-post.conf',
  ]
    .map((name) => readFileSync(join(import.meta.dirname, '../../../deploy/nginx', name), 'utf8'))
    .join('\n')
    .replace(/#.*$/gm, '');

  it('refuses a path that a parser of URLs would write otherwise, before the cache is asked', ({ expect }) => {
    const map = /map \$request_uri \$plain_path \{([^}]*)\}/.exec(deployed)?.[1] ?? '';
    const rules = [...map.matchAll(/"~([^"]+)" (\d);/g)].map(
      ([, rule = '', value]) => [new RegExp(rule), value] as const,
    );
    const plain = (path: string) => rules.find(([rule]) => rule.test(path))?.[1] ?? /default (\d);/.exec(map)?.[1];
    const phones = ['/v1/DE/manifest.json', `/v1/DE/chunks/${'aZ_-'.repeat(10)}AAA.zip`, '/version/v1/diagnosis-keys'];
    const others = [
      '/x/%2e%2e/v1/DE/manifest.json',
      '//v1/DE/manifest.json',
      '/v1/./DE/x',
      '/v1/..',
      '/v1/DE/../x',
      '/a\\b',
    ];
    expect([phones.map(plain), others.map(plain)]).toEqual([phones.map(() => '1'), others.map(() => '0')]);
    for (const name of ['edge-object.conf', 'edge-post.conf']) {
      const snippet = readFileSync(join(import.meta.dirname, '../../../deploy/nginx/snippets', name), 'utf8');
      expect(snippet.indexOf('if ($plain_path = 0) { return 404; }')).toBeGreaterThan(0);
      expect(snippet.indexOf('if ($plain_path = 0)')).toBeLessThan(snippet.indexOf('proxy_pass '));
    }
  });

  it('logs no request, and errors into nothing, since nginx writes the address into each', ({ expect }) => {
    expect(deployed.match(/access_log [^;]+;/g)).toEqual(['access_log off;']);
    expect(deployed.match(/error_log [^;]+;/g)).toEqual(['error_log /dev/null crit;']);
  });

  it('passes on no address and no agent of a client', ({ expect }) => {
    expect(deployed).not.toMatch(/\$(remote_addr|proxy_add_x_forwarded_for|http_user_agent|realip\w*|http_cookie)/);
    const passes = deployed.match(/proxy_pass /g) ?? [];
    expect(deployed.match(/proxy_pass_request_headers off;/g)).toHaveLength(passes.length);
  });

  it('keeps no error: nothing overrules the no-store of the Workers', ({ expect }) => {
    expect(deployed).not.toMatch(/proxy_cache_valid|proxy_ignore_headers (?!Cache-Control;)/);
  });

  it('gives no session ticket that would recognise a phone', ({ expect }) => {
    expect(deployed).toContain('ssl_session_tickets off;');
    expect(deployed).toContain('ssl_session_cache off;');
  });
});
