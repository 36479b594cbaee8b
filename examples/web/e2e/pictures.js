// SPDX-License-Identifier: MIT

/** Makes the pictures of docs/images: `node pictures.js`, with order_server and the pages built. */

import { fileURLToPath } from 'node:url';
import { ApiUser } from './harness/api.js';
import { launchBrowser, openLivePage } from './harness/browser.js';
import { openPhone, signIn } from './harness/mobile.js';
import { Server } from './harness/server.js';

const folder = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const path = ['CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY'];
const baskets = [
  { steps: 4, address: '14 Lake Road, Indiranagar', note: undefined },
  { steps: 3, address: undefined, note: undefined },
  { steps: 2, address: '3 Temple Street, second floor', note: 'No onions, please' },
  { steps: 2, address: undefined, note: undefined },
  { steps: 1, address: '27 Park View, flat 4', note: undefined },
  { steps: 0, address: '8 Station Road', note: 'Ring twice: the bell is quiet' },
  { steps: 0, address: undefined, note: undefined },
];

const [server, browser] = await Promise.all([Server.start(), launchBrowser()]);
try {
  const manager = await ApiUser.signIn(server, 'manager');
  const customers = [
    await ApiUser.signIn(server, 'customer'),
    await ApiUser.signIn(server, 'customer2'),
  ];
  // The demo's open orders are hours old; a picture shows an evening.
  const open = await manager.call('GET', `/orders?status=PENDING,${path.join()}&pageSize=100`);
  for (const { id } of open) await manager.setStatus(id, 'CANCELLED');

  const { organizationId } = await manager.call('GET', '/auth/me');
  const stores = await manager.call('GET', '/stores');
  const store = stores.find((/** @type {any} */ one) => one.organizationId === organizationId);
  const storeId = store?.id ?? stores[0].id;
  const products = await manager.call('GET', `/products?storeId=${storeId}`);
  const orders = [];
  for (const [index, { steps, address, note }] of baskets.entries()) {
    const first = products[index % products.length];
    const second = products[(index + 2) % products.length];
    const order = await customers[index % 2]?.call('POST', '/orders', {
      storeId,
      items: [
        { productId: first.id, quantity: 1 + (index % 3) },
        { productId: second.id, quantity: 2 },
      ],
      paymentMethod: 'COD',
      fulfillmentType: address === undefined ? 'PICKUP' : 'DELIVERY',
      deliveryAddress: address,
      note,
    });
    for (const status of path.slice(0, steps)) await manager.setStatus(order.id, status);
    orders.push(order);
  }

  const list = await openLivePage(browser, server.origin, 'manager', { width: 1280, height: 820 });
  await list.mouse.move(4, 4);
  await list.locator('tbody tr').nth(6).waitFor();
  await customers[0]?.placeOrder();
  await list.getByRole('link', { name: '1 new' }).waitFor();
  await list.locator('tbody tr').nth(7).waitFor();
  await list.locator('tbody tr').nth(4).locator('.step-slot').click();
  await list.screenshot({ path: `${folder}admin-list.png`, animations: 'disabled' });

  await list.getByRole('link', { name: 'Kitchen' }).click();
  await list.locator('.kitchen-card').nth(4).waitFor();
  await list.screenshot({ path: `${folder}admin-kitchen.png`, animations: 'disabled' });

  const dark = { width: 1280, height: 820, colorScheme: /** @type {const} */ ('dark') };
  const detail = await openLivePage(browser, server.origin, 'manager', dark);
  await detail.locator(`tr[data-order-id="${orders[2]?.id}"] a.order-link`).click();
  await detail.locator('.timeline').getByText('Manoj Manager').first().waitFor();
  await detail.screenshot({ path: `${folder}admin-order.png`, animations: 'disabled' });

  const phone = await openPhone(browser);
  await signIn(phone, server.origin, `#/orders/${orders[2]?.id}`);
  await phone.getByTestId('order-detail').waitFor();
  await phone.getByTestId('connection-live').waitFor();
  await phone.screenshot({ path: `${folder}mobile-order.png`, animations: 'disabled' });
} finally {
  await browser.close();
  await server.dispose();
}
