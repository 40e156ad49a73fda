/**
 * @module The deflate that the platform has, for the size benchmark alone: what we publish is deflated by a pinned library
 * (docs/decisions/001).
 */
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';

const SCRIPT = `export default { async fetch(request) {
  const bytes = await request.arrayBuffer();
  return new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate-raw')));
} };`;

/** workerd's CompressionStream. */
export interface PlatformDeflate {
  /** @returns the number of bytes that workerd's deflate-raw makes of these */
  size(bytes: Uint8Array): Promise<number>;
  dispose(): Promise<void>;
}

/** Starts a workerd that deflates what it gets. */
export async function startPlatformDeflate(): Promise<PlatformDeflate> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ modules: true, script: SCRIPT, compatibilityDate: '2026-11-01', cf: false }),
  );
  await miniflare.ready;
  return {
    async size(bytes) {
      const post = () => miniflare.dispatchFetch('http://deflate/', { method: 'POST', body: Buffer.from(bytes) });
      // A kept connection that workerd has closed meanwhile fails once.
      const reply = await post().catch(post);
      return (await reply.arrayBuffer()).byteLength;
    },
    dispose: () => miniflare.dispose(),
  };
}
