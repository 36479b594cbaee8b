// SPDX-License-Identifier: MIT

import { asObject } from './validate';
import type { Role, UserStore } from './wire';

export { type Role, roles, type UserStore } from './wire';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  /** One of `roles`, or what a newer server calls one. */
  readonly role: Role | (string & {});
  readonly organizationId: string | null;
  /** The stores that a member of the staff works for. */
  readonly stores?: readonly UserStore[];
}

function storesOf(value: unknown): readonly UserStore[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const { id, name } = asObject(entry) ?? {};
    return typeof id === 'string' ? [{ id, name: typeof name === 'string' ? name : id }] : [];
  });
}

/** A user as the server sends it, or null when it is none. */
export function parseUser(value: unknown): User | null {
  const fields = asObject(value) ?? {};
  const { id, email, name, role, organizationId, stores } = fields;
  if (typeof id !== 'string' || typeof email !== 'string') return null;
  if (typeof role !== 'string') return null;
  return {
    id,
    email,
    name: typeof name === 'string' ? name : email,
    role,
    organizationId: typeof organizationId === 'string' ? organizationId : null,
    ...(Array.isArray(stores) && { stores: storesOf(stores) }),
  };
}
