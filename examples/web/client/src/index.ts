// SPDX-License-Identifier: MIT

export * from './api.ts';
export { decode, encode } from './codec.ts';
export * from './environment.ts';
export * from './order-client.ts';
export * from './order-rules.ts';
export * from './problem.ts';
export * from './session.ts';
export * from './types.ts';
export * from './user.ts';
export { asObject, parseOrder } from './validate.ts';
export { WatchedOrders } from './watched-orders.ts';
export { webSocketUrl } from './web-socket-url.ts';
