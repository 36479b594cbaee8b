// SPDX-License-Identifier: MIT
#pragma once

#include "store/postgres/connection.hpp"

#include <string>
#include <string_view>

/// URLs of PostgreSQL databases, as `--db` takes them.
namespace order_server::postgres {

/// Whether `db` begins as such a URL does: postgres:// or postgresql://.
[[nodiscard]] bool is_url(std::string_view db) noexcept;

/// What may be shown of a URL: scheme, user, hosts and database, without passwords and options.
[[nodiscard]] std::string shown(std::string_view url);

/// What is wrong with a URL; "" if nothing is. A password in it is: a command line shows in the
/// process list. Shows no password.
[[nodiscard]] std::string complaint(const std::string& url);

/// The URL's parts, with defaults where it says nothing: only a server that takes changes will do,
/// a peer that is gone is noticed, and texts are UTF-8. `password` is used if it is not empty;
/// without one libpq looks into `passfile`, PGPASSWORD and ~/.pgpass. Throws StoreError with the
/// `complaint`.
[[nodiscard]] Address address_of(const std::string& url, const std::string& password);

/// Whether who reads along, or pretends to be the server, would be noticed: TLS with the server's
/// name verified, or a connection that does not leave the machine.
[[nodiscard]] bool is_verified(const Address& address);

}  // namespace order_server::postgres
