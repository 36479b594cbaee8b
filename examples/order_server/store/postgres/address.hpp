// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"

#include <string>
#include <string_view>

/// URLs of PostgreSQL databases, as `--db` takes them.
namespace order_server::postgres {

/// Whether `db` begins with postgres:// or postgresql://.
[[nodiscard]] bool is_url(std::string_view db) noexcept;

/// The part of a URL that may be shown: scheme, user, hosts and database, without passwords and
/// options.
[[nodiscard]] std::string shown(std::string_view url);

/// Says what is wrong with a URL; "" if nothing is. A password in it is wrong, because the process
/// list shows command lines. Shows no password.
[[nodiscard]] std::string complaint(const std::string& url);

/// The URL's parts, with defaults for missing ones: the server must accept changes, a lost peer is
/// noticed, and texts are UTF-8. `password` is used if it is not empty; otherwise libpq looks into
/// `passfile`, PGPASSWORD and ~/.pgpass. Throws StoreError with the `complaint`.
[[nodiscard]] Address address_of(const std::string& url, const std::string& password);

/// Whether nobody can read along or pretend to be the server unnoticed: TLS with a verified server
/// name, or a connection that does not leave the machine.
[[nodiscard]] bool is_verified(const Address& address);

}  // namespace order_server::postgres
