/** @module `stage rotate NAME SECRET`: the next phase of a secret's change, deployed; or, without SECRET, how far each is (docs/rotation.md, scripts/stage/rotate). */
import { readEnvironments } from '../../../local-edge/workers.ts';
import { varsOf, type WorkerName } from '../file/vars.ts';
import { drawNext } from '../rotate/draw.ts';
import { replyLines, standingLines, standings } from '../rotate/lines.ts';
import { writeHalves } from '../rotate/public-halves.ts';
import { rotate as rotateSecret, type RotatePorts, type RotateReply, rotationVariables } from '../rotate/rotate.ts';
import { PART_OF, ROTATIONS } from '../rotate/rules.ts';
import { readRotations, writeRotations } from '../rotate/state.ts';
import { heldSecrets, openSealed, operatorIdentities, sealSecrets } from '../secrets/sealed.ts';
import { apply } from '../steps/apply.ts';
import type { Rollout } from '../steps/rollout.ts';
import { lookAtWorkers } from '../wrangler/workers.ts';
import { UsageError } from '../../support/command-line/command.ts';
import { type Call, openedToChange, type StageCommand } from './call.ts';

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** See the module. */
export const rotate: StageCommand = async (call) => {
  const { stage, places, secret, io } = call;
  if (secret === null) {
    const all = standings(readRotations(places.rotations, stage.name), nowSeconds());
    io.print({ rotations: all }, standingLines(all).join('\n'));
    return 0;
  }
  requireRotation(secret);
  const reply = await openedToChange(call, (rollout) => answered(call, secret, portsOf(call, rollout)));
  io.print({ secret, ...reply }, replyLines(secret, reply).join('\n'));
  // What isn't due yet is an answer; what somebody must do first is none.
  return reply.kind === 'outside' || reply.kind === 'costs' ? 1 : 0;
};

function requireRotation(secret: string): void {
  const other = PART_OF[secret];
  if (other !== undefined) throw new UsageError(`SECRET: ${secret} comes and goes with ${other}: rotate that`);
  if (ROTATIONS.some((rule) => rule.secret === secret)) return;
  throw new UsageError(`SECRET: "${secret}" must be one of ${ROTATIONS.map((rule) => rule.secret).join(', ')}`);
}

/** Whoever wants a leaked key gone is told what that costs, and types the secret's name. */
async function answered(call: Call, secret: string, ports: RotatePorts): Promise<RotateReply> {
  const { dryRun, told, leaked, io, typed } = call;
  const request = { secret, dryRun, told, leaked, confirm: null };
  const reply = await rotateSecret(request, ports);
  if (reply.kind !== 'costs' || dryRun) return reply;
  for (const line of replyLines(secret, reply)) io.say(line);
  io.say(`Type the secret's name, ${secret}, to go on:`);
  const confirm = (await typed()).trim();
  const after = await rotateSecret({ ...request, confirm }, ports);
  if (after.kind === 'costs') io.say(`"${confirm}" is not ${secret}: nothing was done`);
  return after;
}

function portsOf(call: Call, opening: Rollout): RotatePorts {
  const { stage, places, identity, bring, io } = call;
  const sealed = () => openSealed(stage, places, operatorIdentities(stage, places, identity));
  const state = () => readRotations(places.rotations, stage.name);
  // By the files as they are now, not as they were when the account was opened.
  const rollout = async (): Promise<Rollout> => {
    const now = await sealed();
    const rotation = rotationVariables(state(), now.secrets, now.markKey);
    const made = opening.made();
    return { ...opening, secrets: heldSecrets(stage, now), made: async () => ({ ...(await made), rotation }) };
  };
  return {
    now: nowSeconds,
    readState: state,
    writeState: (next) => writeRotations(places.rotations, next),
    readSecrets: sealed,
    writeSecrets: async (secrets) => sealSecrets(stage, places, { ...(await sealed()), secrets }),
    draw: (name) =>
      drawNext(name, { stage, places, bring, now: nowSeconds, handOver: (file) => io.say(`for its keeper: ${file}`) }),
    variable: (name) => variableOf(call, name),
    standing: async (holders) => {
      const plans = await lookAtWorkers(await rollout());
      return new Map(
        holders.map((holder) => {
          const plan = plans.find(({ worker }) => worker === holder);
          const version = plan?.found?.active?.id ?? null;
          return [holder, { version, isAsFiles: plan?.way === 'none' || plan?.way === 'settings' }] as const;
        }),
      );
    },
    deploy: async () => {
      const { probed } = await apply(await rollout(), { overwrite: false });
      const wrong = probed.filter(({ right }) => !right).length;
      if (wrong > 0) io.say(`${wrong} of ${probed.length} answers are not right: npm run stage -- check ${stage.name}`);
    },
    publish: (secrets) => writeHalves(places, secrets, nowSeconds()),
  };
}

function variableOf({ stage }: Call, name: string): string {
  for (const { environment, vars } of readEnvironments()) {
    const value = varsOf(stage, environment as WorkerName)[name] ?? vars[name];
    if (value !== undefined) return value;
  }
  return '';
}
