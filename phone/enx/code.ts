/**
 * @module What a person gives an Exposure Notifications Express app: a verification code that they type, or the link that brought it (docs/spec/google.md §5.5, §5.6).
 */

/** Short codes are 6 digits and more, long ones letters and digits. */
const CODE = /^[A-Za-z0-9]{6,32}$/;
/** What people put between groups of digits. */
const BETWEEN = /[\s-]/g;

/**
 * @param text as typed, `https://<region>.<domain>/v?c=…`, or `ens://v?r=<REGION>&c=…`, into which a browser turns such a link
 * @returns the code, or null when there is none in it
 */
export function codeIn(text: string): string | null {
  const typed = text.trim();
  const link = typed.includes('://') && URL.canParse(typed) ? new URL(typed) : null;
  if (link === null) return codeOf(typed.replaceAll(BETWEEN, ''));
  const isLink =
    (link.protocol === 'https:' && link.pathname === '/v') ||
    // Of a scheme that isn't the web's, "v" is the host.
    (link.protocol === 'ens:' && link.host === 'v');
  return isLink ? codeOf(link.searchParams.get('c') ?? '') : null;
}

const codeOf = (text: string): string | null => (CODE.test(text) ? text : null);
