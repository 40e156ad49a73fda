/**
 * @module A professional's client certificate as identity (docs/spec/europe.md §7: a smart card whose chain ends in a root of the
 * state). The platform ends TLS and says that the certificate was presented, verified and not revoked; we validate its path
 * to a root configured for staff again, since the same zone may know other authorities (laboratories), and ask StaffRoom
 * whether it is blocked, what its authority has revoked, and what its holder may do (decision 028).
 *
 * The certificate says who: the subject's serialNumber is the professional's number at the authority that issued it. Roles
 * and provider come from our own list of holders, whatever else stands in the subject.
 */
import type { CardLink, CardQuestion } from '../../durable-objects/staff-room/card-ops.ts';
import { type Certificate, marksOf, SERIAL_NUMBER_ATTRIBUTE } from '../../protocol/certificates/certificate.ts';
import { presentedCertificate } from '../shared/certificates/client-certificate.ts';
import { type Link, validatePath } from '../../protocol/certificates/path.ts';
import { logLine } from '../shared/log.ts';
import type { Identify } from './identity-source.ts';
import { HOLDER_ID, PROFESSIONAL_ROLES, rolesAmong } from './roles.ts';

/** @returns who holds the card, or null unless every check passes */
export const certificateIdentity: Identify = async ({ request, config, now, checkCard }) => {
  const presented = presentedCertificate(request);
  if (presented === null) return null;
  const { certificate, intermediates } = presented;
  const path = validatePath(certificate, { intermediates, roots: config.staffRoots, now });
  const question = path.ok ? questionOf(certificate, path.links) : null;
  if (question === null) return null;
  const answer = await checkCard(question);
  if (answer.kind === 'stale') logLine('cards refused: a list of revoked certificates is missing or past its end');
  if (answer.kind !== 'holder') return null;
  return {
    subject: answer.subject,
    person: answer.person,
    roles: rolesAmong(answer.roles).filter((role) => PROFESSIONAL_ROLES.includes(role)),
    provider: answer.provider,
    authenticatedAt: null,
    signInAgain: null,
  };
};

function questionOf(certificate: Certificate, links: readonly Link[]): CardQuestion | null {
  const [holderId, ...others] = certificate.subjectValues(SERIAL_NUMBER_ATTRIBUTE);
  const [first, ...rest] = links.map(asked);
  const root = links.at(-1)?.issuer;
  if (holderId === undefined || others.length > 0 || !HOLDER_ID.test(holderId)) return null;
  if (first === undefined || root === undefined) return null;
  return { links: [first, ...rest], rootMarks: marksOf(root), holderId };
}

/** Those that were blocked by their fingerprint, before blocks named what is signed, stay blocked by it too. */
function asked({ certificate, issuer }: Link): CardLink {
  const fingerprint = certificate.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  return {
    marks: [...marksOf(certificate), `fingerprint:${fingerprint}`],
    authority: issuer.publicKey,
    serial: certificate.serial,
  };
}
