// SPDX-License-Identifier: MIT

import type { Product } from '@ordercast/client';
import { money } from '@ordercast/client/format';
import type { ReactNode } from 'react';
import { Pressable, StyleSheet, Text, View } from 'react-native';
import { mostOfOne } from '../logic/basket.ts';
import { radius, space, type, useTheme } from '../theme.ts';

/** What a shop sells, each with how many of it are in the basket. */
export function ProductList(props: {
  products: readonly Product[];
  quantities: Readonly<Record<string, number>>;
  onChange: (productId: string, quantity: number) => void;
}): ReactNode {
  return (
    <View role="list" aria-label="Products">
      {props.products.map((product, index) => (
        <Row
          key={product.id}
          product={product}
          isFirst={index === 0}
          quantity={props.quantities[product.id] ?? 0}
          onChange={(quantity) => props.onChange(product.id, quantity)}
        />
      ))}
    </View>
  );
}

function Row(props: {
  product: Product;
  isFirst: boolean;
  quantity: number;
  onChange: (quantity: number) => void;
}): ReactNode {
  const theme = useTheme();
  const { product, quantity, onChange } = props;
  return (
    <View
      role="listitem"
      testID={`product-${product.id}`}
      style={[styles.row, !props.isFirst && styles.line, { borderColor: theme.border }]}
    >
      <View style={styles.words}>
        <Text style={[type.strong, { color: theme.text }]}>{product.name}</Text>
        <Text style={[type.small, { color: theme.muted }]}>{money(product.price)}</Text>
      </View>
      <View style={styles.stepper}>
        <Step
          sign="−"
          label={`One less ${product.name}`}
          isOff={quantity === 0}
          onPress={() => onChange(quantity - 1)}
        />
        <Text
          role="status"
          aria-label={`${quantity} ${product.name}`}
          style={[type.strong, styles.quantity, { color: quantity > 0 ? theme.text : theme.muted }]}
        >
          {quantity}
        </Text>
        <Step
          sign="+"
          label={`One more ${product.name}`}
          isOff={quantity >= mostOfOne}
          onPress={() => onChange(quantity + 1)}
        />
      </View>
    </View>
  );
}

function Step(props: {
  sign: string;
  label: string;
  isOff: boolean;
  onPress: () => void;
}): ReactNode {
  const theme = useTheme();
  return (
    <Pressable
      role="button"
      aria-label={props.label}
      // Stays focusable when it is off, or the focus would be lost with the last one.
      aria-disabled={props.isOff}
      onPress={props.isOff ? undefined : props.onPress}
      style={({ pressed }) => [
        styles.step,
        {
          borderColor: props.isOff ? theme.border : theme.control,
          backgroundColor: pressed ? theme.soft : theme.card,
        },
      ]}
    >
      <Text style={[styles.sign, { color: props.isOff ? theme.muted : theme.accent }]}>
        {props.sign}
      </Text>
    </Pressable>
  );
}

const styles = StyleSheet.create({
  row: {
    flexDirection: 'row',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: space.medium,
    paddingVertical: 12,
  },
  line: { borderTopWidth: 1 },
  words: { flexShrink: 1 },
  stepper: { flexDirection: 'row', alignItems: 'center', gap: space.tiny },
  quantity: { minWidth: 28, textAlign: 'center' },
  step: {
    width: 44,
    height: 44,
    borderRadius: radius.control,
    borderWidth: 1.5,
    alignItems: 'center',
    justifyContent: 'center',
  },
  sign: { fontSize: 20, lineHeight: 24, fontWeight: '600' },
});
