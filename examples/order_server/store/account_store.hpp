// SPDX-License-Identifier: MIT
#pragma once

#include "store/store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What operators do with users, and how a running server learns of it. Threads and errors as for
/// `Store`.
namespace order_server {

struct AccountChange {
  std::int64_t sequence = 0;  ///< Grows in the order of commits.
  std::string user_id;
};

class AccountStore {
 public:
  virtual ~AccountStore() = default;

  /// By e-mail address.
  virtual std::vector<User> list_users() = 0;

  /// Disabling also ends all of the user's sign-ins with their devices, in one transaction. Returns
  /// false if there is no such user, or nothing to change.
  virtual bool set_disabled(std::string_view user_id, bool is_disabled, std::int64_t now_ms) = 0;

  /// Ends all of the user's sign-ins too, because a thief who knew the old password may be signed
  /// in.
  virtual void set_password(std::string_view user_id, std::string_view password_hash,
                            std::int64_t now_ms) = 0;

  virtual std::vector<std::string> disabled_users() = 0;

  /// The changes by `set_disabled` and `set_password` after that one, in commit order.
  virtual std::vector<AccountChange> account_changes_after(std::int64_t sequence) = 0;
  /// The sequence of the last change; 0 if there was none yet.
  virtual std::int64_t last_account_change() = 0;
};

}  // namespace order_server
