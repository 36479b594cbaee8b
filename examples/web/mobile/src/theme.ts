// SPDX-License-Identifier: MIT

import type { OrderStatus } from '@ordercast/client';
import { useColorScheme } from 'react-native';

export interface Theme {
  readonly background: string;
  readonly card: string;
  readonly border: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly danger: string;
  readonly live: string;
  readonly busy: string;
  readonly track: string;
  /** Text and background colour of each status. */
  readonly status: Readonly<Record<OrderStatus, readonly [string, string]>>;
}

const light: Theme = {
  background: '#f5f6fa',
  card: '#ffffff',
  border: '#e3e6ee',
  text: '#171a26',
  muted: '#5b6275',
  accent: '#3b4ce0',
  onAccent: '#ffffff',
  danger: '#c2243a',
  live: '#0b7a45',
  busy: '#9a5b00',
  track: '#d9dde8',
  status: {
    PENDING: ['#7a4b00', '#fff1d6'],
    CONFIRMED: ['#2738b8', '#e6e9ff'],
    PREPARING: ['#6a2bb0', '#f1e6ff'],
    READY: ['#0a6672', '#dcf6f8'],
    OUT_FOR_DELIVERY: ['#0a5ea8', '#e0f0ff'],
    DELIVERED: ['#0b6b3d', '#dff7e9'],
    CANCELLED: ['#a01c30', '#ffe4e7'],
  },
};

const dark: Theme = {
  background: '#0f1118',
  card: '#191c27',
  border: '#2a2f3f',
  text: '#eef0f7',
  muted: '#a3aabd',
  accent: '#8794ff',
  onAccent: '#10132b',
  danger: '#ff8593',
  live: '#56d695',
  busy: '#ffc46b',
  track: '#333a4d',
  status: {
    PENDING: ['#ffcf85', '#3a2b10'],
    CONFIRMED: ['#b3bcff', '#232a5c'],
    PREPARING: ['#d8b8ff', '#37215a'],
    READY: ['#8ee6ef', '#0f3a40'],
    OUT_FOR_DELIVERY: ['#9fd0ff', '#123456'],
    DELIVERED: ['#83e6b0', '#123d28'],
    CANCELLED: ['#ffabb5', '#4a1820'],
  },
};

export function useTheme(): Theme {
  return useColorScheme() === 'dark' ? dark : light;
}

/** Distances and radii, in density-independent pixels. */
export const space = { small: 8, medium: 14, large: 20 } as const;
export const radius = { card: 16, control: 12, pill: 999 } as const;
