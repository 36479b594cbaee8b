// SPDX-License-Identifier: MIT
#pragma once

#include "store/account_store.hpp"
#include "store/push_store.hpp"
#include "store/refund_store.hpp"
#include "store/session_store.hpp"
#include "store/store.hpp"

namespace order_server {

/// Everything that a server needs from its database. Threads and errors as for `Store`.
class Database : public Store,
                 public PushStore,
                 public RefundStore,
                 public DeadLetters,
                 public SessionStore,
                 public AccountStore {};

}  // namespace order_server
