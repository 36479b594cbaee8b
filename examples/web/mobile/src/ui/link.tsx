// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { Pressable, type StyleProp, type ViewStyle } from 'react-native';
import type { Route } from '../logic/route.ts';
import { useServices } from '../services.ts';

export interface LinkProps {
  readonly to: Route;
  /** Goes back where that leads to `to`, too. */
  readonly isBack?: boolean;
  readonly label?: string;
  readonly testID?: string;
  readonly isCard?: boolean;
  readonly style?: StyleProp<ViewStyle>;
  readonly children: ReactNode;
}

/** Opens another screen. `link.web.tsx` is a real link. */
export function Link(props: LinkProps): ReactNode {
  const { navigation } = useServices();
  const { to, isBack = false } = props;
  return (
    <Pressable
      role="link"
      aria-label={props.label}
      testID={props.testID}
      hitSlop={8}
      style={props.style}
      onPress={() => (isBack && navigation.back()) || navigation.open(to)}
    >
      {props.children}
    </Pressable>
  );
}
