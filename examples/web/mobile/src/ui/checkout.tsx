// SPDX-License-Identifier: MIT

import type { Product } from '@ordercast/client';
import { money } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { StyleSheet, Text, View } from 'react-native';
import {
  type Basket,
  type BasketFaults,
  countOf,
  longestAddress,
  longestNote,
  totalOf,
} from '../logic/basket.ts';
import { space, type, useTheme } from '../theme.ts';
import { Card } from './card.tsx';
// Without an extension: a browser gets `choice.web.tsx` and `form.web.tsx`.
import { Choice } from './choice';
import { Field } from './field.tsx';
import { SubmitButton } from './form';
import { Notice } from './notice.tsx';

const ways = [
  { value: 'DELIVERY', name: 'Delivery', hint: 'A rider brings it to you' },
  { value: 'PICKUP', name: 'Pick up', hint: 'You get it at the shop' },
] as const;

/** How the basket is handed over and paid, and the button that orders it. */
export function Checkout(props: {
  basket: Basket;
  products: readonly Product[];
  faults: BasketFaults;
  busy: boolean;
  problem: string | undefined;
  /** False where the server takes cash alone. */
  takesOnline: boolean;
  onChange: (basket: Basket) => void;
  onSubmit: () => void;
}): ReactNode {
  const theme = useTheme();
  const { basket, faults, onChange } = props;
  const isDelivery = basket.fulfillmentType === 'DELIVERY';
  const online = { value: 'ONLINE', name: 'Online', hint: 'You pay right after ordering' } as const;
  const cash = {
    value: 'COD',
    name: 'Cash',
    hint: isDelivery ? 'You pay at the door' : 'You pay at the shop',
  } as const;
  const total = totalOf(basket, props.products);
  const count = countOf(basket);
  return (
    <Card>
      <Choice
        label="How you get it"
        options={ways}
        value={basket.fulfillmentType}
        onChange={(fulfillmentType) => onChange({ ...basket, fulfillmentType })}
      />
      {isDelivery && (
        <Field
          label="Address"
          kind="long"
          hint="Street, house, floor, and what helps the rider"
          fault={faults.address}
          longest={longestAddress}
          value={basket.address}
          onChange={(address) => onChange({ ...basket, address })}
        />
      )}
      <Field
        label="Note for the shop"
        hint="Optional"
        fault={faults.note}
        longest={longestNote}
        value={basket.note}
        onChange={(note) => onChange({ ...basket, note })}
      />
      <Choice
        label="How you pay"
        options={props.takesOnline ? [online, cash] : [cash]}
        value={basket.paymentMethod}
        onChange={(paymentMethod) => onChange({ ...basket, paymentMethod })}
      />
      <View style={[styles.sum, { borderColor: theme.border }]}>
        <Text style={[type.body, { color: theme.muted }]}>
          {count === 1 ? '1 item' : `${count} items`}
        </Text>
        <Text testID="total" style={[type.lead, { color: theme.text }]}>
          {money(total ?? '')}
        </Text>
      </View>
      {faults.items !== undefined && <Notice text={faults.items} />}
      {props.problem !== undefined && <Notice text={props.problem} />}
      <SubmitButton title="Place order" busy={props.busy} onSubmit={props.onSubmit} />
    </Card>
  );
}

const styles = StyleSheet.create({
  sum: {
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'space-between',
    borderTopWidth: 1,
    paddingTop: space.medium,
  },
});
