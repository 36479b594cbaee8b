// SPDX-License-Identifier: MIT

export {
  type UseOrder,
  type UseOrderWebSocketOptions,
  useConnectionState,
  useOnline,
  useOrder,
  useOrderWebSocket,
} from './hooks';
export { OrderClientProvider, useOrderClient } from './provider';
export { useNow } from './use-now';
export {
  type OrderList,
  type OrderListOptions,
  type OrderListQuery,
  useOrderList,
} from './use-order-list';
