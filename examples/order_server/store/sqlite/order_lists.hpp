// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"

#include <string>

namespace order_server::sqlite {

/// The statement that reads a page of orders, values not bound: what a test asks SQLite to explain.
[[nodiscard]] std::string order_page_sql(const OrderFilter& filter);

}  // namespace order_server::sqlite
