/** @module What waits for a second person about peers' batches, and what came of what was confirmed: on the page of peers, and rollbacks on theirs too. */
import { isOver, type PeerAct } from '../../../durable-objects/staff-room/peer-act-ops.ts';
import { CONFIRM_WITHIN_SECONDS } from '../../../domain/rollback.ts';
import { Form, Long, Notice } from '../layout.tsx';
import type { StaffContext } from '../staff-context.ts';
import { fill } from '../texts/texts.ts';

interface ActProps {
  readonly c: StaffContext;
  readonly act: PeerAct;
}

function Button(props: ActProps & { action: string; look: 'danger' | 'plain'; children: string }) {
  const { c, act, action, look, children } = props;
  return (
    <Form c={c} action={`/staff/peers/${action}`}>
      <input type="hidden" name="act" value={act.id} />
      <button class={look} aria-label={`${children}: ${act.peer} ${act.batch}, ${act.id.slice(0, 8)}`}>
        {children}
      </button>
    </Form>
  );
}

function Outcome({ c, act }: ActProps) {
  const { texts: t } = c.var;
  if (isOver(act)) {
    if (act.outcome === 'none') return <Notice kind="plain">{t.peerActNothing}</Notice>;
    if (act.outcome === 'changed') return <Notice kind="bad">{t.peerActChanged}</Notice>;
    return <Notice kind="good">{act.kind === 'release' ? t.peerActLetIn : t.peerActTakenBack}</Notice>;
  }
  return (
    <>
      <Notice kind="bad">{act.outcome === 'sealing' ? t.peerActSealing : t.peerActUnfinished}</Notice>
      <Button c={c} act={act} action="confirm" look="danger">
        {t.rollbackGoOn}
      </Button>
    </>
  );
}

function Act({ c, act }: ActProps) {
  const { texts: t, times, identity } = c.var;
  const { kind, peer, batch, keys, askedBy, askedAt, confirmedBy, confirmedAt } = act;
  const own = askedBy === identity.person;
  return (
    <section class="proposal">
      <h3>
        <Long>{fill(kind === 'release' ? t.peerActRelease : t.peerActUndo, { peer, batch, keys })}</Long>
      </h3>
      <p>
        {fill(t.rollbackAskedBy, { who: askedBy, time: times.time(askedAt) })}
        {confirmedAt === null &&
          ` · ${fill(t.peerActUntil, { time: times.timeNear(askedAt + CONFIRM_WITHIN_SECONDS, askedAt) })}`}
        {confirmedAt !== null &&
          ` · ${fill(t.rollbackConfirmedBy, { who: confirmedBy ?? '', time: times.time(confirmedAt) })}`}
      </p>
      {confirmedAt !== null && <Outcome c={c} act={act} />}
      {confirmedAt === null && own && <p>{t.rollbackYours}</p>}
      {confirmedAt === null && (
        <div class="row">
          {!own && (
            <Button c={c} act={act} action="confirm" look="danger">
              {kind === 'release' ? t.peerActLetInNow : t.peerActTakeBackNow}
            </Button>
          )}
          <Button c={c} act={act} action="decline" look="plain">
            {own ? t.rollbackWithdraw : t.rollbackDecline}
          </Button>
        </div>
      )}
    </section>
  );
}

/** @param acts those that are shown; without one nothing is */
export function PeerActs({ c, acts }: { readonly c: StaffContext; readonly acts: readonly PeerAct[] }) {
  if (acts.length === 0) return null;
  return (
    <>
      <h2>{c.var.texts.peerActs}</h2>
      {acts.map((act) => (
        <Act c={c} act={act} />
      ))}
    </>
  );
}
