// SPDX-License-Identifier: MIT

import type { OrderStatus } from '@ordercast/client';
import { useColorScheme } from 'react-native';

export interface Theme {
  readonly isDark: boolean;
  readonly background: string;
  readonly card: string;
  readonly border: string;
  /** The edge of what can be used: seen against its surroundings (WCAG 1.4.11). */
  readonly control: string;
  readonly soft: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly danger: string;
  readonly live: string;
  readonly busy: string;
  readonly track: string;
  readonly shadow: string;
  /** Text and background colour of each status. */
  readonly status: Readonly<Record<OrderStatus, readonly [string, string]>>;
}

/** One brand and one meaning of each status colour for both apps: the admin panel's, in `admin/src`. */
export const light: Theme = {
  isDark: false,
  background: '#f5f6f4',
  card: '#ffffff',
  border: '#e3e6e1',
  control: '#868f89',
  soft: '#eef0ec',
  text: '#16201b',
  muted: '#57625c',
  accent: '#047857',
  onAccent: '#ffffff',
  danger: '#b42318',
  live: '#047857',
  busy: '#854d0e',
  track: '#d3d8d2',
  shadow: '0 1px 2px rgba(16, 32, 24, 0.04), 0 8px 24px -16px rgba(16, 32, 24, 0.18)',
  status: {
    PENDING: ['#854d0e', '#fef3c7'],
    CONFIRMED: ['#1d4ed8', '#dbeafe'],
    PREPARING: ['#6d28d9', '#ede9fe'],
    READY: ['#0f6674', '#cff4fa'],
    OUT_FOR_DELIVERY: ['#a03412', '#ffe8d6'],
    DELIVERED: ['#05603f', '#d1fae5'],
    CANCELLED: ['#4b5563', '#e9ebee'],
  },
};

export const dark: Theme = {
  isDark: true,
  background: '#0d1110',
  card: '#161b19',
  border: '#2a322e',
  control: '#67736c',
  soft: '#202724',
  text: '#eaf0ec',
  muted: '#9caaa3',
  accent: '#34d399',
  onAccent: '#06281c',
  danger: '#fda29b',
  live: '#34d399',
  busy: '#fcd34d',
  track: '#38423d',
  shadow: '0 1px 0 rgba(255, 255, 255, 0.03) inset',
  status: {
    PENDING: ['#fcd34d', '#3a2d0c'],
    CONFIRMED: ['#93c5fd', '#172a4d'],
    PREPARING: ['#c4b5fd', '#2c2152'],
    READY: ['#67e8f9', '#0e333a'],
    OUT_FOR_DELIVERY: ['#fdba74', '#422512'],
    DELIVERED: ['#6ee7b7', '#0b3b2a'],
    CANCELLED: ['#b6beba', '#2a302d'],
  },
};

export function useTheme(): Theme {
  return useColorScheme() === 'dark' ? dark : light;
}

/** Distances and radii, in density-independent pixels. */
export const space = { tiny: 4, small: 8, medium: 14, large: 20, huge: 32 } as const;
export const radius = { card: 16, control: 12, pill: 999 } as const;

/** The type scale. */
export const type = {
  title: { fontSize: 28, lineHeight: 34, fontWeight: '800', letterSpacing: -0.4 },
  heading: { fontSize: 18, lineHeight: 24, fontWeight: '700' },
  lead: { fontSize: 20, lineHeight: 26, fontWeight: '700' },
  body: { fontSize: 16, lineHeight: 23 },
  strong: { fontSize: 16, lineHeight: 23, fontWeight: '600' },
  small: { fontSize: 14, lineHeight: 20 },
} as const;

/** From this width on, screens have two columns. */
export const wideScreen = 860;
/** No line of text gets longer than a screen of this width allows. */
export const widestContent = 1080;
export const narrowContent = 560;
