// SPDX-License-Identifier: MIT

import { asObject } from './validate';

/** What an access token says of its own life, in milliseconds since 1970. It is read, not verified. */
export interface TokenLife {
  readonly issuedAt: number | null;
  readonly expiresAt: number;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** By hand: React Native has no `atob` everywhere. Only what is ASCII in it is of interest. */
function fromBase64Url(text: string): string {
  let out = '';
  let bits = 0;
  let held = 0;
  for (const character of text) {
    const value = alphabet.indexOf(character);
    if (value < 0) return '';
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((held >> bits) & 0xff);
    }
  }
  return out;
}

function claimsOf(token: string): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(fromBase64Url(token.split('.')[1] ?? '')));
  } catch {
    return null;
  }
}

/** Whose token it says it is; null when it does not say. */
export function tokenUserId(token: string): string | null {
  const id = claimsOf(token)?.sub;
  return typeof id === 'string' ? id : null;
}

/** Null when it is no JSON Web Token with an expiry (RFC 7519 section 4.1.4). */
export function tokenLife(token: string): TokenLife | null {
  const { exp, iat } = claimsOf(token) ?? {};
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return null;
  const issuedAt = typeof iat === 'number' && Number.isFinite(iat) && iat < exp ? iat * 1000 : null;
  return { issuedAt, expiresAt: exp * 1000 };
}
