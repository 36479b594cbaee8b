// @vitest-environment jsdom
// SPDX-License-Identifier: MIT

import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { settle } from '../../client/test/fake-environment.ts';
import { useEngaged } from '../src/orders/use-engaged.ts';
import { useKeptFocus } from '../src/shell/keep-focus.ts';

let root: Root;
let container: HTMLElement;
let isEngaged: boolean;

function List(props: { rows: readonly string[] }): React.ReactNode {
  useKeptFocus();
  const engaged = useEngaged((now) => {
    isEngaged = now;
  });
  return (
    <section tabIndex={-1} data-focus-home {...engaged}>
      {props.rows.map((name) => (
        <button type="button" key={name} id={name}>
          {name}
        </button>
      ))}
    </section>
  );
}

beforeEach(async () => {
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  // jsdom lays nothing out.
  vi.spyOn(Element.prototype, 'getClientRects').mockImplementation(function (this: Element) {
    return (this.isConnected ? [{}] : []) as unknown as DOMRectList;
  });
  isEngaged = false;
  container = document.body.appendChild(document.createElement('div'));
  root = createRoot(container);
  await show('one', 'two');
});
afterEach(async () => {
  await act(async () => root.unmount());
  container.remove();
  vi.restoreAllMocks();
});

const show = (...rows: string[]): Promise<void> =>
  act(async () => {
    root.render(<List rows={rows} />);
    await settle();
  });
const button = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
const section = (): Element | null => container.querySelector('section');
const focus = (id: string, isVisible: boolean): Promise<void> =>
  act(async () => {
    vi.spyOn(button(id), 'matches').mockReturnValue(isVisible);
    button(id).focus();
    await settle();
  });

it('counts a focus that shows itself, and none that a click has left', async () => {
  await focus('one', true);
  expect(isEngaged).toBe(true);
  await focus('two', false);
  expect(isEngaged).toBe(false);
});

it('gives the focus of a row that goes to the list, which does not count as a user there', async () => {
  await focus('one', true);
  await show('two');
  expect(document.activeElement).toBe(section());
  expect(isEngaged).toBe(false);
});

it('fetches no focus back that the user has dropped by a click on nothing', async () => {
  await focus('one', false);
  await act(async () => {
    button('one').blur();
    await settle();
  });
  await show('two');
  expect(document.activeElement).toBe(document.body);
});
