/** @module What the books say of an order beside its entry, which the portal is shown. SQL over one object's storage; no clock. */

/** @returns the name of the session that an order's teleTAN opens, or null */
export function orderedSession(sql: SqlStorage, issuer: string, orderId: string): string | null {
  const select = 'SELECT session FROM teletan WHERE order_id = ? AND issuer = ?';
  return sql.exec<{ session: string | null }>(select, orderId, issuer).toArray()[0]?.session ?? null;
}
