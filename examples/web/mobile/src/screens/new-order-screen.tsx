// SPDX-License-Identifier: MIT

import { type Order, problemText } from '@ordercast/client';
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { ActivityIndicator, StyleSheet, useWindowDimensions, View } from 'react-native';
import { emptyBasket, faultsOf, newOrderOf, withQuantity, withStore } from '../logic/basket.ts';
import type { PlacementState } from '../logic/placement.ts';
import { home } from '../logic/route.ts';
import { useBasket } from '../logic/use-basket.ts';
import { useAccount, useServices } from '../services.ts';
import { space, wideScreen } from '../theme.ts';
import { Button } from '../ui/button.tsx';
import { Card } from '../ui/card.tsx';
import { Checkout } from '../ui/checkout.tsx';
// Without an extension: a browser gets `choice.web.tsx` and `form.web.tsx`.
import { Choice } from '../ui/choice';
import { Form } from '../ui/form';
import { Notice } from '../ui/notice.tsx';
import { ProductList } from '../ui/product-list.tsx';
import { Screen, Subheading } from '../ui/screen.tsx';
import { TopLine } from '../ui/top-line.tsx';

/** Placing an order: what, from where, how it is handed over and paid. */
export function NewOrderScreen(props: { again: string | null }): ReactNode {
  const { navigation } = useServices();
  const { placement, notebook, history } = useAccount();
  const isWide = useWindowDimensions().width >= wideScreen;
  const state = useSyncExternalStore(placement.subscribe, placement.getState, placement.getState);
  const { basket, change, stores, products, missing, againProblem } = useBasket(props.again);
  const [hasTried, setHasTried] = useState(false);
  const problem = stores.problem ?? products.problem;
  const shop = stores.value?.find(({ id }) => id === basket?.storeId);
  const takesOnline = placement.takesOnline && (shop?.paymentMethods?.includes('ONLINE') ?? true);
  useEffect(() => {
    if (basket?.paymentMethod === 'ONLINE' && !takesOnline) {
      change({ ...basket, paymentMethod: 'COD' });
    }
  }, [basket, change, takesOnline]);

  function done(order: Order | null): void {
    if (order === null) return;
    // The next order starts empty, but goes to the same place.
    const { fulfillmentType, address, paymentMethod, storeId } = basket ?? emptyBasket;
    const next = { ...emptyBasket, fulfillmentType, address, paymentMethod, storeId };
    void notebook.write('basket', next);
    history.offer(order);
    navigation.replace({ page: 'order', orderId: order.id });
  }

  function submit(): void {
    setHasTried(true);
    const order = basket && newOrderOf(basket);
    if (order) void placement.send(order).then(done);
  }

  if (state.status === 'unsure') {
    return (
      <Screen title="New order" isNarrow top={<TopLine />}>
        <Notice
          testID="unsure"
          text={`We don’t know whether the shop got your order. ${state.reason} Trying again can’t order twice.`}
        >
          <Button title="Try again" onPress={() => void placement.retry().then(done)} />
          <Button title="Look at my orders" look="outline" onPress={() => navigation.open(home)} />
          <Button
            title="Give up this order"
            look="danger"
            onPress={() => void placement.forget()}
          />
        </Notice>
      </Screen>
    );
  }
  return (
    <Screen title="New order" top={<TopLine />}>
      {againProblem !== undefined && <Notice text={problemText(againProblem)} />}
      {missing.length > 0 && (
        <Notice tone="busy" text={`No longer sold: ${missing.join(', ')}.`} testID="missing" />
      )}
      {problem !== undefined && (
        <Notice text={problemText(problem)}>
          <Button
            title="Try again"
            look="outline"
            onPress={stores.problem === undefined ? products.reload : stores.reload}
          />
        </Notice>
      )}
      {basket === undefined || stores.value === undefined ? (
        problem === undefined && <ActivityIndicator accessibilityLabel="Loading" />
      ) : (
        <Form label="New order" onSubmit={submit} style={isWide ? styles.wide : styles.narrow}>
          <View style={isWide ? styles.column : styles.whole}>
            {stores.value.length > 1 && (
              <Choice
                label="Shop"
                options={stores.value.map(({ id, name }) => ({ value: id, name }))}
                value={basket.storeId}
                onChange={(storeId) => change(withStore(basket, storeId))}
              />
            )}
            <Card>
              <Subheading>What would you like?</Subheading>
              {products.value === undefined ? (
                products.problem === undefined && <ActivityIndicator accessibilityLabel="Loading" />
              ) : (
                <ProductList
                  products={products.value}
                  quantities={basket.quantities}
                  onChange={(id, quantity) => change(withQuantity(basket, id, quantity))}
                />
              )}
            </Card>
          </View>
          <View style={isWide ? styles.column : styles.whole}>
            <Checkout
              basket={basket}
              products={products.value ?? []}
              faults={hasTried ? faultsOf(basket) : {}}
              busy={state.status === 'sending'}
              problem={refusalOf(state)}
              takesOnline={takesOnline}
              onChange={change}
              onSubmit={submit}
            />
          </View>
        </Form>
      )}
    </Screen>
  );
}

function refusalOf(state: PlacementState): string | undefined {
  if (state.status !== 'refused') return undefined;
  return state.isOnlineOff
    ? 'This shop takes no online payments. Your order is not placed yet: you pay in cash, if you place it now.'
    : state.reason;
}

const styles = StyleSheet.create({
  narrow: { gap: space.medium },
  wide: { flexDirection: 'row', gap: space.large },
  column: { flexGrow: 1, flexShrink: 1, flexBasis: 0, gap: space.medium },
  whole: { gap: space.medium },
});
