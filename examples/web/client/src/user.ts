// SPDX-License-Identifier: MIT

import { asObject } from './validate.ts';

export const roles = [
  'SUPER_ADMIN',
  'ORG_ADMIN',
  'STORE_MANAGER',
  'STAFF',
  'RIDER',
  'CUSTOMER',
] as const;
export type Role = (typeof roles)[number];

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** One of `roles`, or what a newer server calls one. */
  readonly role: Role | (string & {});
  readonly organizationId: string | null;
}

/** A user as the server sends it, or null when it is none. */
export function parseUser(value: unknown): User | null {
  const fields = asObject(value) ?? {};
  const { id, email, name, role, organizationId } = fields;
  if (typeof id !== 'string' || typeof email !== 'string') return null;
  if (typeof role !== 'string') return null;
  return {
    id,
    email,
    name: typeof name === 'string' ? name : email,
    role,
    organizationId: typeof organizationId === 'string' ? organizationId : null,
  };
}
