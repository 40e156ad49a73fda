/** @module What a phone says of the end of the service (docs/sunset.md): announced by the parameters, ended by the head of the manifest. */
import { endOfService } from '../../protocol/parameters/end-of-service.ts';
import { hasSeenTheEnd } from '../download/download-manifest.ts';
import { currentParameters, type ParametersState } from '../parameters/parameters.ts';
import type { Phone } from './phone-directory.ts';

/** What is known; `announced` is the last UTC day of the service. */
export interface EndOfService {
  readonly ended: boolean;
  readonly announced: string | null;
}

/** @param parameters as they are now @returns what the phone has been told */
export async function endOf({ stores }: Phone, parameters: ParametersState): Promise<EndOfService> {
  const loaded = await stores.download.load();
  const state = loaded.ok ? loaded.value : null;
  const features = currentParameters(parameters)?.appFeatures ?? [];
  return { ended: state !== null && hasSeenTheEnd(state), announced: endOfService(features) };
}

/** @returns a sentence for a person, or null: nothing is known of an end */
export function endText({ ended, announced }: EndOfService): string | null {
  if (ended)
    return 'the service has ended: nobody warns by it any more, and this phone asks it nothing; what it knows it forgets day by day';
  return announced === null ? null : `the service ends after ${announced}: from then on nobody warns by it`;
}
