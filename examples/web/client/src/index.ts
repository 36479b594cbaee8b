// SPDX-License-Identifier: MIT

export * from './api';
export { decode, encode } from './codec';
export * from './environment';
export * from './order-client';
export * from './order-rules';
export * from './problem';
export * from './session';
export * from './types';
export * from './user';
export { asObject, parseOrder } from './validate';
export { WatchedOrders } from './watched-orders';
export { webSocketUrl } from './web-socket-url';
