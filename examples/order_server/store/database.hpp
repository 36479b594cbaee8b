// SPDX-License-Identifier: MIT
#pragma once

#include "store/account_store.hpp"
#include "store/push_store.hpp"
#include "store/session_store.hpp"
#include "store/store.hpp"

namespace order_server {

/// All that one database does for a server. Threads and errors as for `Store`.
class Database : public Store,
                 public PushStore,
                 public DeadLetters,
                 public SessionStore,
                 public AccountStore {};

}  // namespace order_server
