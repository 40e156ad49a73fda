import { describe, it } from 'vitest';
import { DownloadDesk, portsOf } from '../../../test/support/efgs-client.ts';
import { goodEfgsKey } from '../../../test/support/efgs-arbitraries.ts';
import { startRig } from '../../../test/support/efgs-rig.ts';
import { NOON } from '../../../test/support/efgs-in-process.ts';
import { CALLBACK_START, callbackStep, isNews, readHint } from './callback.ts';

const OWN = { callbackId: 'DE', url: 'https://federation.example/efgs/callback' };

describe('the gateway calls', () => {
  it('and brings a poll forward; whoever misses six calls is called no more, until it subscribes anew the next day', async ({
    expect,
  }) => {
    const called: URL[] = [];
    let up = true;
    const rig = await startRig({
      countries: ['DE', 'NL'],
      callbackPorts: {
        resolve: async () => ['203.0.113.5'],
        call: async (url) => {
          called.push(new URL(url));
          return up;
        },
      },
    });
    try {
      const ports = portsOf(rig, 'DE');
      const desk = new DownloadDesk();
      let number = 0;
      const upload = async (): Promise<void> => {
        await rig.as('NL').upload([goodEfgsKey(number, 'NL', NOON)], `tag-${number++}`);
        rig.gateway.runBatcher();
        await rig.gateway.runCallbacks();
      };
      let { state } = await callbackStep(CALLBACK_START, ports, OWN);

      await upload();
      const hint = readHint(called[0]!);
      expect([hint, isNews(hint ?? '', desk.state)]).toEqual(['20201126-1', true]);
      await desk.poll(ports);
      expect([desk.keys.length, isNews(hint ?? '', desk.state)]).toEqual([1, false]);

      up = false;
      await upload();
      for (let call = 0; call < 8; call++) {
        rig.clock.now += 300;
        await rig.gateway.runCallbacks();
      }
      expect([called.length, await (await rig.as('DE').ask('GET', '/callback')).json()]).toEqual([7, []]);
      // Within the day it trusts what it was told; polls find the batch all the same.
      ({ state } = await callbackStep(state, ports, OWN));
      await desk.poll(ports);
      expect(desk.keys).toHaveLength(2);

      up = true;
      rig.clock.now += 86_400;
      ({ state } = await callbackStep(state, ports, OWN));
      await upload();
      expect([called.length, readHint(called[7]!), state.putOn]).toEqual([8, '20201127-1', '2020-11-27']);
    } finally {
      await rig.gateway.close();
    }
  });
});
