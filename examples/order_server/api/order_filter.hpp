// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"

#include <string>
#include <string_view>

/// Lists of orders as a request's query asks for them. Pure; any thread.
namespace order_server {

/// Reads what of a query filters and sorts orders into `filter`, beside what it holds already:
/// status, paymentStatus, paymentMethod, fulfillmentType, storeId, userId, dateFrom, dateTo, q,
/// sortBy, sortOrder, page, pageSize and cursor. Returns why it can't be read, in a sentence that
/// names the parameter and what is allowed; "" when it can. Other parameters are ignored.
[[nodiscard]] std::string read_order_filter(std::string_view query, OrderFilter& filter);

/// Where a page of this list ends, as opaque text. It holds no more than a
/// place in the list's sort, so that one that was made up reads nothing that the caller may not.
[[nodiscard]] std::string cursor_text(const OrderFilter& filter, const OrderCursor& cursor);

}  // namespace order_server
