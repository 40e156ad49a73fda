/** @module What `stage rotate` says to a person. */
import { phasesOf } from './phases.ts';
import { isoOf, type NextPhase, type RotateReply } from './rotate.ts';
import { ROTATIONS } from './rules.ts';
import type { RotationState } from './state.ts';

const tasks = (outside: readonly string[]): string[] => outside.map((task) => `    - ${task}`);

function nextLines(next: NextPhase | null): string[] {
  if (next === null) return ['that was its last phase: the rotation is over'];
  const why = next.why === null ? '' : `: ${next.why}`;
  return [
    `then ${next.phase}, not before ${next.from}${why}`,
    ...(next.outside.length === 0 ? [] : ['  and before it, outside:', ...tasks(next.outside)]),
  ];
}

/** @param secret its name @param reply of `rotate` @returns lines */
export function replyLines(secret: string, reply: RotateReply): readonly string[] {
  switch (reply.kind) {
    case 'done': {
      const who = reply.holders.length === 0 ? 'no Worker is deployed' : `deployed: ${reply.holders.join(', ')}`;
      return [`${secret}, ${reply.phase}: ${reply.does} (${who}); done`, ...nextLines(reply.next)];
    }
    case 'would': {
      const who = reply.holders.length === 0 ? 'no Worker' : reply.holders.join(', ');
      return [`${secret}, ${reply.phase}, would be: ${reply.does} (to be deployed: ${who}). Nothing was done`];
    }
    case 'waits':
      return [`${secret}: nothing is due`, ...nextLines(reply.next)];
    case 'outside':
      return [
        `${secret}, ${reply.next.phase}: ${reply.next.does}. Nothing was done: it is due once you have seen to it that`,
        ...tasks(reply.next.outside),
        'then give the same command with --told',
      ];
    case 'costs':
      return [
        `${secret}: the key goes at once, with no overlap (deployed: ${reply.holders.join(', ')}). What it costs: ${reply.cost}`,
      ];
  }
}

/** One secret, as an overview has it. */
export interface Standing {
  readonly secret: string;
  /** The last phase that was done; null: none is under way. */
  readonly phase: string | null;
  /** Of a phase that was cut off. */
  readonly cutOff: string | null;
  readonly next: { readonly phase: string; readonly from: string; readonly isDue: boolean } | null;
}

/**
 * @param state see RotationState
 * @param now Unix seconds
 * @returns every secret whose rotation is under way
 */
export function standings(state: RotationState, now: number): readonly Standing[] {
  return ROTATIONS.flatMap((rule) => {
    const one = state.secrets[rule.secret];
    if (one === undefined || (one.phase === null && one.begun === null)) return [];
    const phases = phasesOf(rule);
    const following = phases[phases.findIndex(({ name }) => name === one.phase) + 1];
    const at = Date.parse(one.at ?? new Date(0).toISOString()) / 1000 + (following?.after?.seconds ?? 0);
    const next =
      following === undefined || one.phase === null
        ? null
        : { phase: following.name, from: isoOf(at), isDue: at <= now };
    return [{ secret: rule.secret, phase: one.phase, cutOff: one.begun?.phase ?? null, next }];
  });
}

/** @param all of {@link standings} @returns lines */
export function standingLines(all: readonly Standing[]): readonly string[] {
  if (all.length === 0) {
    const secrets = ROTATIONS.map(({ secret }) => secret).join(', ');
    return [
      'no rotation is under way, so nothing is due',
      `to begin one, name its secret (docs/rotation.md says how long each takes): ${secrets}`,
    ];
  }
  return all.map(({ secret, phase, cutOff, next }) => {
    if (cutOff !== null) return `${secret}: phase ${cutOff} was cut off: give the command again`;
    const then = next === null ? '' : next.isDue ? `; ${next.phase} is due` : `; ${next.phase} not before ${next.from}`;
    return `${secret}: ${phase} is done${then}`;
  });
}
