// SPDX-License-Identifier: MIT

import type { StaffFilters } from '@ordercast/client/staff';
import { type ReactNode, type RefObject, useEffect, useId, useRef, useState } from 'react';
import { filterNames, go, type ListRoute, replaceRoute } from '../route.ts';
import { Button, Field } from '../ui.tsx';

/** A search is sent when the user has stopped typing for this long. */
const typingMs = 300;

interface FiltersProps {
  list: ListRoute;
  stores: readonly { readonly id: string; readonly name: string }[];
  search: RefObject<HTMLInputElement | null>;
}

export function ListFilters(props: FiltersProps): ReactNode {
  const { list, stores, search } = props;
  const { filters } = list;
  const [isOpen, setOpen] = useState(false);
  const panelId = useId();
  const chosen = filterNames.filter((name) => name !== 'q' && filters[name]).length;
  const change = (changes: Partial<Record<keyof StaffFilters, string>>): void =>
    go({ page: 'orders', list: { ...list, filters: { ...filters, ...changes }, number: 1 } });
  const select = (
    label: string,
    name: keyof StaffFilters,
    options: readonly (readonly [value: string, text: string])[],
  ): ReactNode => (
    <Field label={label}>
      {(id) => (
        <select
          id={id}
          value={filters[name] ?? ''}
          onChange={(event) => change({ [name]: event.currentTarget.value })}
        >
          <option value="">All</option>
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
  const date = (label: string, name: 'dateFrom' | 'dateTo'): ReactNode => (
    <Field label={label}>
      {(id) => (
        <input
          id={id}
          type="date"
          value={filters[name] ?? ''}
          onChange={(event) => change({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );

  return (
    <div className="list-filters">
      <Search list={list} input={search} />
      <Button
        className="filters-button"
        aria-expanded={isOpen}
        aria-controls={panelId}
        onClick={() => setOpen(!isOpen)}
      >
        {chosen === 0 ? 'Filters' : `Filters (${chosen})`}
      </Button>
      {(chosen > 0 || filters.q) && (
        <Button
          look="quiet"
          onClick={() => {
            go({ page: 'orders', list: { ...list, filters: {}, number: 1 } });
            search.current?.focus();
          }}
        >
          Clear
        </Button>
      )}
      <div className="more-filters" id={panelId} hidden={!isOpen}>
        {stores.length > 1 &&
          select(
            'Shop',
            'storeId',
            stores.map(({ id, name }) => [id, name] as const),
          )}
        {select('Payment', 'paymentStatus', [
          ['PENDING', 'Not paid'],
          ['PAID', 'Paid'],
          ['FAILED', 'Failed'],
          ['REFUNDED', 'Refunded'],
        ])}
        {select('Paid by', 'paymentMethod', [
          ['ONLINE', 'Online'],
          ['COD', 'Cash'],
        ])}
        {select('Type', 'fulfillmentType', [
          ['DELIVERY', 'Delivery'],
          ['PICKUP', 'Pick-up'],
        ])}
        {date('From', 'dateFrom')}
        {date('To', 'dateTo')}
      </div>
    </div>
  );
}

function Search(props: { list: ListRoute; input: RefObject<HTMLInputElement | null> }): ReactNode {
  const { list, input } = props;
  const given = list.filters.q ?? '';
  const [text, setText] = useState(given);
  const sent = useRef(given);
  useEffect(() => {
    if (given === sent.current) return;
    sent.current = given; // Back, or a link.
    setText(given);
  }, [given]);
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === sent.current) return undefined;
    const timer = setTimeout(() => {
      sent.current = wanted;
      replaceRoute({
        page: 'orders',
        list: { ...list, filters: { ...list.filters, q: wanted }, number: 1 },
      });
    }, typingMs);
    return () => clearTimeout(timer);
  }, [text, list]);
  return (
    <input
      ref={input}
      className="search"
      type="search"
      aria-label="Search orders"
      aria-keyshortcuts="/"
      placeholder="Number, customer, phone, item  ( / )"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setText('');
      }}
    />
  );
}
