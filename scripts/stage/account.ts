/** @module How an account is reached: Cloudflare's, or the double of it on this machine. */

/** An account, opened. The token is in this process's memory and in requests to {@link apiBase} alone. */
export interface Account {
  /** 32 hex digits. */
  readonly id: string;
  readonly zoneName: string;
  /** `https://api.cloudflare.com/client/v4`, or the double's. */
  readonly apiBase: string;
  /** Never printed, never written. */
  readonly token: string;
  /** The double: `http://127.0.0.1:<port>`, where deployed Workers answer by Host header; null: `https://<host>`. */
  readonly edge: string | null;
}

/** Where Cloudflare's API answers. */
export const CLOUDFLARE_API = 'https://api.cloudflare.com/client/v4';
