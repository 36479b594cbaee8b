// SPDX-License-Identifier: MIT

import { problemText } from '@ordercast/client';
import { useOrder } from '@ordercast/client/react';
import { type ReactNode, useEffect, useState } from 'react';
import { ActivityIndicator } from 'react-native';
import { useHistory } from '../logic/use-history.ts';
import { ageWords, orderName } from '../logic/words.ts';
import { useAccount } from '../services.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { OrderActions } from '../ui/order-actions.tsx';
import { OrderDetails } from '../ui/order-details.tsx';
import { Screen } from '../ui/screen.tsx';
import { TopLine } from '../ui/top-line.tsx';

/** One order, live; what was known of it last, while the server can't be asked. */
export function OrderScreen(props: { orderId: string }): ReactNode {
  const { history } = useAccount();
  const { fetchedAt } = useHistory();
  const { order: live, problem, refresh, offer } = useOrder(props.orderId);
  const [refreshing, setRefreshing] = useState(false);
  const order = live ?? history.find(props.orderId);

  useEffect(() => {
    if (live !== undefined) history.offer(live);
  }, [history, live]);

  async function pull(): Promise<void> {
    setRefreshing(true);
    await refresh();
    setRefreshing(false);
  }

  const title = order === undefined ? 'Order' : `Order ${orderName(order)}`;
  return (
    <Screen title={title} top={<TopLine />} onRefresh={pull} isRefreshing={refreshing}>
      {problem !== undefined && (
        <Notice text={problemText(problem)}>
          <Button title="Try again" look="outline" onPress={() => void pull()} busy={refreshing} />
        </Notice>
      )}
      {live === undefined && order !== undefined && problem !== undefined && fetchedAt !== null && (
        <Notice text={ageWords(fetchedAt, Date.now())} tone="busy" testID="old" />
      )}
      {order === undefined ? (
        problem === undefined && <ActivityIndicator accessibilityLabel="Loading" />
      ) : (
        <OrderDetails order={order}>
          {live !== undefined && <OrderActions order={live} offer={offer} />}
        </OrderDetails>
      )}
    </Screen>
  );
}
