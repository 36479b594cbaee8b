// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';

/** A decoration: the text beside it, or its button's label, says what it means. */
function Icon(props: { children: ReactNode; size?: number }): ReactNode {
  const size = props.size ?? 18;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.9}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {props.children}
    </svg>
  );
}

/** An icon of one path. */
function drawn(path: string): () => ReactNode {
  return () => (
    <Icon>
      <path d={path} />
    </Icon>
  );
}

export const BackIcon = drawn('M15 5l-7 7 7 7');
export const SunIcon = (): ReactNode => (
  <Icon>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4" />
  </Icon>
);
export const MoonIcon = drawn('M20 14.5A8.3 8.3 0 0 1 9.5 4 8.3 8.3 0 1 0 20 14.5z');
export const SignOutIcon = drawn(
  'M14 4H6a1 1 0 0 0-1 1v14a1 1 0 0 0 1 1h8M11 12h9M17 8.5l3.5 3.5-3.5 3.5',
);
export const CloseIcon = drawn('M6 6l12 12M18 6L6 18');
export const PrintIcon = drawn('M7 9V4h10v5M7 17H4.5V9.5h15V17H17M7 14h10v6H7z');
export const SlidersIcon = (): ReactNode => (
  <Icon>
    <path d="M3.5 7.5h9M18.5 7.5h2M3.5 16.5h2M11.5 16.5h9" />
    <circle cx="15.5" cy="7.5" r="2.8" />
    <circle cx="8.5" cy="16.5" r="2.8" />
  </Icon>
);
export const BellIcon = drawn(
  'M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15zM10 20.5a2.2 2.2 0 0 0 4 0',
);
export const BellOffIcon = drawn(
  'M8 6.6A6 6 0 0 1 18 11v5M17 18H4.5L6 16.5V11M10 20.5a2.2 2.2 0 0 0 4 0M3.5 3.5l17 17',
);
export const WarningIcon = drawn('M12 4L2.8 19.5h18.4zM12 10v4.5M12 17.2v.1');
export const TruckIcon = ({ size }: { size?: number }): ReactNode => (
  <Icon size={size ?? 18}>
    <path d="M3 6h11v10H3zM14 9.5h3.8L21 13v3h-7" />
    <circle cx="7.5" cy="17.5" r="1.8" />
    <circle cx="17" cy="17.5" r="1.8" />
  </Icon>
);
export const BagIcon = ({ size }: { size?: number }): ReactNode => (
  <Icon size={size ?? 18}>
    <path d="M5.5 8h13l1 12h-15zM9 10.5V7a3 3 0 0 1 6 0v3.5" />
  </Icon>
);
export const Mark = ({ size = 32 }: { size?: number }): ReactNode => (
  <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
    <rect width="32" height="32" rx="9" fill="#047857" />
    <g fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round">
      <path d="M9.6 22.4a9 9 0 0 1 0-12.8M22.4 9.6a9 9 0 0 1 0 12.8" />
      <path d="M12.8 19.2a4.5 4.5 0 0 1 0-6.4M19.2 12.8a4.5 4.5 0 0 1 0 6.4" opacity=".75" />
    </g>
    <circle cx="16" cy="16" r="1.9" fill="#fff" />
  </svg>
);
