// SPDX-License-Identifier: MIT

import type { ClientMessage } from '../types';

/** `connecting`: waiting for a token, for a socket to open, or for an open one's first answer. */
export type MachineState = 'idle' | 'connecting' | 'open' | 'waiting' | 'refused';

export type OrderData = Readonly<Record<string, unknown>>;

/** What happened. `tests/vectors/README.md` describes each. */
export type Input =
  | { readonly type: 'start'; readonly token?: string; readonly renewAt?: number }
  | { readonly type: 'stop' }
  | { readonly type: 'token'; readonly token: string; readonly renewAt?: number }
  | { readonly type: 'token_failed' }
  | { readonly type: 'token_refused' }
  | {
      readonly type: 'opened';
      readonly connection: number;
      /** The server has selected `ordercast.v2`. */
      readonly isSecondVersion?: boolean;
    }
  | { readonly type: 'message'; readonly connection: number; readonly text: string }
  | {
      readonly type: 'closed';
      readonly connection: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly type: 'timer' }
  | { readonly type: 'wake' }
  | { readonly type: 'presence'; readonly visible: boolean }
  | { readonly type: 'subscribe'; readonly orderId: string; readonly version: number }
  | { readonly type: 'unsubscribe'; readonly orderId: string }
  | {
      readonly type: 'fetched';
      readonly orderId: string;
      readonly data: OrderData & { readonly version: number };
    };

/** Events of one connection, by its number. */
export type ConnectionInput = Extract<Input, { readonly connection: number }>;

/** Why a token is asked for: there is none, the server rejected it, or it is about to expire. */
export type TokenReason = 'missing' | 'rejected' | 'expiring';

/** What to do about it. */
export type Output =
  | { readonly type: 'state'; readonly state: MachineState; readonly retryAt?: number }
  | { readonly type: 'connect'; readonly connection: number; readonly token: string }
  | { readonly type: 'send'; readonly connection: number; readonly message: ClientMessage }
  | { readonly type: 'close'; readonly connection: number; readonly code: number }
  | { readonly type: 'need_token'; readonly reason: TokenReason }
  | {
      readonly type: 'order';
      readonly orderId: string;
      readonly version: number;
      readonly data: OrderData;
    }
  | { readonly type: 'changed'; readonly orderId: string; readonly status: string }
  | {
      readonly type: 'error';
      readonly code: string;
      readonly message: string;
      readonly orderId: string;
    }
  | { readonly type: 'epoch'; readonly epoch: string }
  | { readonly type: 'poll'; readonly reason: 'opened' | 'fallback' }
  | {
      readonly type: 'ignored';
      readonly reason: 'stale' | 'unsubscribed' | 'unknown' | 'invalid';
    };
