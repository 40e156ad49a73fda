/**
 * @module Parameters in the event log: the log has one writer, so Publisher asks ParameterStore what it has published. Once a wake, when nothing
 * else is due; a version that isn't logged yet is logged the next time, and none twice, since the log's own fold says the last.
 */
import type { Publication } from './publication.ts';

/** @returns whether a version was logged @throws Error when ParameterStore doesn't answer; asked again at the next wake */
export async function logParameters(p: Publication): Promise<boolean> {
  const last = p.log.head().fold.parameters;
  const added = (await p.publishedParameters()).filter(({ version }) => version > last);
  p.store.transaction(() => {
    for (const { version, action, hour, documents } of added) {
      p.log.append({ kind: 'parameters', hour, version, action, documents: documents.map(({ sha256 }) => sha256) });
    }
  });
  return added.length > 0;
}
