// SPDX-License-Identifier: MIT

import { createContext, createElement, type ReactNode, useContext } from 'react';
import type { OrderClient } from '../order-client';

const ClientContext = createContext<OrderClient | null>(null);

/** Gives all below it the app's one client. */
export function OrderClientProvider(props: {
  client: OrderClient;
  children?: ReactNode;
}): ReactNode {
  return createElement(ClientContext.Provider, { value: props.client }, props.children);
}

export function useOrderClient(): OrderClient {
  const client = useContext(ClientContext);
  if (client === null) throw new Error('There is no OrderClientProvider above this component');
  return client;
}
