// SPDX-License-Identifier: MIT

export {
  type UseOrder,
  type UseOrderWebSocketOptions,
  useConnectionState,
  useOnline,
  useOrder,
  useOrderWebSocket,
} from './hooks.ts';
export { OrderClientProvider, useOrderClient } from './provider.ts';
export { useNow } from './use-now.ts';
export {
  type OrderList,
  type OrderListOptions,
  type OrderListQuery,
  useOrderList,
} from './use-order-list.ts';
