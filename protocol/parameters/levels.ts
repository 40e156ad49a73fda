/**
 * @module The numbers parameters speak in (docs/spec/gaen.md §1, §8.2, §11). Apart from the schemas, so that scoring in a browser
 * doesn't load the schema library.
 */

/** daysSinceOnsetToInfectiousness has a slot for each day from −14 to 14 (docs/spec/gaen.md §8.2). */
export const ONSET_SLOTS = 29;

/** Infectiousness (docs/spec/gaen.md §1). */
export const INFECTIOUSNESS = { NONE: 0, STANDARD: 1, HIGH: 2 } as const;
export type Infectiousness = (typeof INFECTIOUSNESS)[keyof typeof INFECTIOUSNESS];

/** Risk levels of CWA's risk calculation (docs/spec/gaen.md §11). */
export const RISK_LEVEL = { LOW: 1, HIGH: 2 } as const;
export type RiskLevel = (typeof RISK_LEVEL)[keyof typeof RISK_LEVEL];

/** Transmission risk levels a key can have, 0 (not set) apart (docs/spec/gaen.md §1). */
export const TRANSMISSION_RISK_LEVELS = [1, 2, 3, 4, 5, 6, 7, 8] as const;
