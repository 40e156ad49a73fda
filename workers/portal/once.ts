/**
 * @module Each form is acted on once (decision 033): a double click, a reload or a second tab gets the answer of the first. An
 * answer is a redirect to a page that shows what came of it, so that the browser's Back and Reload meet pages alone; StaffRoom
 * keeps where it leads. What isn't answered so (a field is missing, a neighbour out of reach) may be sent again.
 */
import type { Next } from 'hono';
import { type NoticeKey, noticePath } from './notices.ts';
import type { StaffContext } from './staff-context.ts';

/** Between two looks whether the first request has been answered. */
const LOOK_AGAIN_MS = 100;
/** So long a second request waits for the first. */
const WAIT_MS = 10_000;

/** Acts on a form, or answers as the first request was answered. */
export async function answerOnce(c: StaffContext, next: Next): Promise<Response | undefined> {
  const { room, session, once } = c.var;
  const name = session.formName(once);
  let reply = await room.takeForm(name);
  // Not a double click, but a page that came back from the browser's memory: a second patient must not be read the first one's code.
  if (reply.kind === 'answered') return c.redirect(saidBefore(reply.location), 303);
  for (let waited = 0; reply.kind === 'running' && waited < WAIT_MS; waited += LOOK_AGAIN_MS) {
    await scheduler.wait(LOOK_AGAIN_MS);
    reply = await room.takeForm(name);
  }
  if (reply.kind === 'answered') return c.redirect(reply.location, 303);
  if (reply.kind === 'running') return c.redirect(noticePath(c.req.path, 'stillWorking'), 303);
  // A browser that sends a form again drops the first request; that one is finished all the same, for the second's answer.
  const act = async (): Promise<void> => {
    await next();
    const location = c.res.status === 303 ? c.res.headers.get('location') : null;
    await room.answerForm(name, location);
  };
  const acted = act();
  c.executionCtx.waitUntil(acted);
  await acted;
  return undefined;
}

/** The page of an answer, which says that it is the one of before unless it says something already. */
function saidBefore(location: string): string {
  if (/[?&](notice|refused)=/.test(location)) return location;
  return `${location}${location.includes('?') ? '&' : '?'}notice=sentBefore`;
}

/** Answers a form by a page that shows what came of it. @param page path below `/staff` @param more of the address, from `&` on */
export function done(c: StaffContext, page: string, notice: NoticeKey, more = ''): Response {
  return c.redirect(`${noticePath(`/staff/${page}`, notice)}${more}`, 303);
}
