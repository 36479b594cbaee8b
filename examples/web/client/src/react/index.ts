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
