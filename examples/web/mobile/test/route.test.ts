// SPDX-License-Identifier: MIT

import { describe, expect, it } from 'vitest';
import { StackNavigation } from '../src/logic/navigation.ts';
import { home, hrefOf, parseRoute, type Route } from '../src/logic/route.ts';

const order = (orderId: string): Route => ({ page: 'order', orderId });

describe('routes', () => {
  it.each<Route>([
    home,
    order('5b0c'),
    order('a/b?c#d e'),
    { page: 'new', again: null },
    { page: 'new', again: 'a&b=c' },
  ])('survives the way through a URL: %j', (route) => {
    expect(parseRoute(hrefOf(route))).toEqual(route);
  });

  it.each(['', '#', '#/', '#/orders/', '#/orders/a/b', '#/newer', '#/somewhere'])(
    'goes home from %j',
    (hash) => {
      expect(parseRoute(hash)).toEqual(home);
    },
  );

  it('takes an id that is not well encoded as it is', () => {
    expect(parseRoute('#/orders/%E0%A4%A')).toEqual(order('%E0%A4%A'));
  });
});

describe('StackNavigation', () => {
  it('goes back to where the user was, and leaves the app from the bottom', () => {
    const navigation = new StackNavigation();
    navigation.open(order('a'));
    navigation.open({ page: 'new', again: 'a' });
    expect(navigation.back()).toBe(true);
    expect(navigation.getRoute()).toEqual(order('a'));
    expect(navigation.back()).toBe(true);
    expect(navigation.getRoute()).toEqual(home);
    expect(navigation.back()).toBe(false);
  });

  it('keeps nothing above home', () => {
    const navigation = new StackNavigation();
    navigation.open(order('a'));
    navigation.open(home);
    expect(navigation.back()).toBe(false);
  });

  it('puts an order that replaces the first screen on top of home', () => {
    const navigation = new StackNavigation();
    navigation.replace(order('a'));
    expect(navigation.back()).toBe(true);
    expect(navigation.getRoute()).toEqual(home);
  });

  it('does not return to what was replaced', () => {
    const navigation = new StackNavigation();
    navigation.open({ page: 'new', again: null });
    navigation.replace(order('a'));
    navigation.back();
    expect(navigation.getRoute()).toEqual(home);
  });

  it('opens an order once, however many pushes are tapped', () => {
    const navigation = new StackNavigation();
    let told = 0;
    const stop = navigation.subscribe(() => {
      told += 1;
    });
    navigation.open(order('a'));
    navigation.open(order('a'));
    expect(told).toBe(1);
    stop();
    navigation.open(order('b'));
    expect(told).toBe(1);
  });
});
