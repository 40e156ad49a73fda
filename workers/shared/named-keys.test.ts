import { describe, it } from 'vitest';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { namedKeys } from './named-keys.ts';

const spki = (label: string): Uint8Array => signerFromPkcs8Pem(testKeyPem(label)).publicKeySpki;
const entry = (id: string): string => `${id}=${toBase64(spki(id))}`;

describe('keys beside the one that stands in a secret', () => {
  it('are none, or each by its own id', ({ expect }) => {
    expect([namedKeys('', 'OTHERS', 'own'), namedKeys(undefined, 'OTHERS', 'own')]).toEqual([[], []]);
    expect(namedKeys(`${entry('next')}, ${entry('last')}`, 'OTHERS', 'own')).toEqual([
      { id: 'next', spki: spki('next') },
      { id: 'last', spki: spki('last') },
    ]);
  });

  it.for([
    ['that has the id of the own one', entry('own'), /^OTHERS: each key needs an id of its own$/],
    ['that is there twice', `${entry('next')},${entry('next')}`, /^OTHERS: each key needs an id of its own$/],
    ['without an id', entry(''), /^OTHERS: expected id=SPKI/],
    ['that is no key', 'next=AAAA', /^OTHERS: expected id=SPKI/],
    ['that is no base64', 'next=?', /^OTHERS: expected id=SPKI/],
  ] as const)('refuse one %s', ([, value, message], { expect }) => {
    expect(() => namedKeys(value, 'OTHERS', 'own')).toThrow(message);
  });
});
