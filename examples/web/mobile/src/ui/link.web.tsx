// SPDX-License-Identifier: MIT

import type { ReactNode } from 'react';
import { View } from 'react-native';
import { hrefOf } from '../logic/route.ts';
import type { LinkProps } from './link.tsx';

/** A link as browsers know it: it can be opened in another tab, copied, and gone back from. */
export function Link(props: LinkProps): ReactNode {
  const web = { href: hrefOf(props.to), ...(props.isCard && { dataSet: { card: 'true' } }) };
  return (
    <View {...web} aria-label={props.label} testID={props.testID} style={props.style}>
      {props.children}
    </View>
  );
}
