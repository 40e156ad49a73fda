/** @param reply of a registration @returns the token, or null where none was given */
export function tokenOf(reply: { readonly kind: string; readonly token?: string }): string | null {
  return reply.token ?? null;
}
