/** @module How the portal writes codes; times are written by local-time.ts. */

/** @returns a teleTAN in groups as people read them out: 3-3-4 */
export const teleTanText = (code: string): string => `${code.slice(0, 3)}-${code.slice(3, 6)}-${code.slice(6)}`;

/** @returns a card's code in groups of five */
export const cardText = (code: string): string => (code.match(/.{1,5}/g) ?? []).join('-');

/** @returns a verification code in groups of four, as people read them out */
export const codeText = (code: string): string => (code.match(/.{1,4}/g) ?? []).join(' ');
