// SPDX-License-Identifier: MIT

/** The endpoint beside an API at this origin: ws for http, wss for https. */
export function webSocketUrl(origin: string): string {
  // By text: React Native's URL can't change its protocol.
  return `${origin.replace(/^http/, 'ws')}/ws`;
}
