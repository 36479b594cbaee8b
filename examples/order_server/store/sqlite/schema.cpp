// SPDX-License-Identifier: MIT
#include "store/sqlite/schema.hpp"

#include "store/store.hpp"

#include <array>
#include <string>

namespace order_server::sqlite {
namespace {

static_assert(application_id == 1329811283, "set below as a number");

// No foreign key leads to a user: tokens are stateless, so the holder of a valid one may order and
// register a device. Ids of orders and of what belongs to them are text for the world; inside,
// an order is its number, which also is the sequence of creation.
constexpr const char* schema_1 = R"sql(
PRAGMA application_id = 1329811283;
PRAGMA user_version = 1;

CREATE TABLE users (
  id TEXT PRIMARY KEY NOT NULL,
  email TEXT NOT NULL UNIQUE COLLATE NOCASE,
  name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL
    CHECK (role IN ('SUPER_ADMIN', 'ORG_ADMIN', 'STORE_MANAGER', 'STAFF', 'RIDER', 'CUSTOMER')),
  organization_id TEXT,
  CHECK ((role IN ('SUPER_ADMIN', 'CUSTOMER')) = (organization_id IS NULL))
) STRICT;

CREATE TABLE shops (
  id TEXT PRIMARY KEY NOT NULL,
  organization_id TEXT NOT NULL,
  name TEXT NOT NULL
) STRICT;

CREATE TABLE products (
  id TEXT PRIMARY KEY NOT NULL,
  store_id TEXT NOT NULL REFERENCES shops (id),
  name TEXT NOT NULL,
  price_minor INTEGER NOT NULL CHECK (price_minor >= 0)
) STRICT;
CREATE INDEX products_of_store ON products (store_id);

CREATE TABLE orders (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 128),
  user_id TEXT NOT NULL,
  store_id TEXT NOT NULL REFERENCES shops (id),
  organization_id TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('PENDING', 'CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY',
                      'DELIVERED', 'CANCELLED')),
  payment_status TEXT NOT NULL
    CHECK (payment_status IN ('PENDING', 'PAID', 'FAILED', 'REFUNDED')),
  payment_method TEXT NOT NULL CHECK (payment_method IN ('ONLINE', 'COD')),
  fulfillment_type TEXT NOT NULL CHECK (fulfillment_type IN ('DELIVERY', 'PICKUP')),
  total_minor INTEGER NOT NULL CHECK (total_minor >= 0),
  delivery_address TEXT,
  razorpay_order_id TEXT UNIQUE,
  razorpay_payment_id TEXT,
  note TEXT,
  version INTEGER NOT NULL CHECK (version BETWEEN 1 AND 9007199254740991),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CHECK (NOT (fulfillment_type = 'PICKUP' AND status = 'OUT_FOR_DELIVERY'))
) STRICT;
CREATE INDEX orders_newest ON orders (created_at);
CREATE INDEX orders_of_user ON orders (user_id, created_at);
CREATE INDEX orders_of_organization ON orders (organization_id, created_at);
CREATE INDEX orders_of_status ON orders (status, created_at);
CREATE INDEX orders_of_organization_status ON orders (organization_id, status, created_at);

CREATE TABLE order_items (
  order_number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL CHECK (position >= 1),
  id TEXT NOT NULL,
  product_id TEXT NOT NULL REFERENCES products (id),
  name TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  unit_price_minor INTEGER NOT NULL CHECK (unit_price_minor >= 0),
  PRIMARY KEY (order_number, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE status_logs (
  order_number INTEGER NOT NULL REFERENCES orders (number),
  position INTEGER NOT NULL CHECK (position >= 1),
  id TEXT NOT NULL,
  status TEXT NOT NULL
    CHECK (status IN ('PENDING', 'CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY',
                      'DELIVERED', 'CANCELLED')),
  note TEXT,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (order_number, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders (id),
  owner_id TEXT NOT NULL,
  organization_id TEXT NOT NULL,
  status TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  order_json TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  broadcast_at INTEGER,
  pushed_at INTEGER,
  UNIQUE (order_id, version)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (sequence) WHERE broadcast_at IS NULL;
CREATE INDEX outbox_broadcast ON outbox (created_at) WHERE broadcast_at IS NOT NULL;
CREATE INDEX outbox_done ON outbox (sequence)
  WHERE broadcast_at IS NOT NULL AND pushed_at IS NOT NULL;

CREATE TABLE devices (
  token TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL,
  platform TEXT NOT NULL,
  registered_at INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_of_user ON devices (user_id, registered_at);
)sql";

/// From schema 1 to 2: the two consumers of the outbox get cursors of their own, push a queue, and
/// events of payments are remembered. A new database takes this step too. Changes that an older
/// program has broadcast are not pushed by this one.
constexpr const char* to_schema_2 = R"sql(
PRAGMA user_version = 2;

DROP INDEX outbox_waiting;
DROP INDEX outbox_broadcast;
ALTER TABLE outbox RENAME COLUMN pushed_at TO queued_at;
ALTER TABLE outbox ADD COLUMN notify INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outbox ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN retry_at INTEGER;
ALTER TABLE outbox ADD COLUMN dead_at INTEGER;
ALTER TABLE outbox ADD COLUMN error TEXT;
UPDATE outbox SET queued_at = broadcast_at WHERE broadcast_at IS NOT NULL;
CREATE INDEX outbox_waiting ON outbox (sequence) WHERE broadcast_at IS NULL AND attempts = 0;
CREATE INDEX outbox_failed ON outbox (dead_at, retry_at)
  WHERE broadcast_at IS NULL AND attempts > 0;
CREATE INDEX outbox_unqueued ON outbox (sequence) WHERE queued_at IS NULL;

CREATE TABLE push_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders (id),
  token TEXT NOT NULL REFERENCES devices (token) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version >= 1),
  status TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  dead_at INTEGER,
  error TEXT,
  UNIQUE (order_id, token)
) STRICT;
CREATE INDEX push_jobs_waiting ON push_jobs (attempts, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_due ON push_jobs (due_at) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_oldest ON push_jobs (changed_at) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_dead ON push_jobs (dead_at, id) WHERE dead_at IS NOT NULL;
CREATE INDEX push_jobs_of_device ON push_jobs (token);

CREATE TABLE payment_events (
  id TEXT PRIMARY KEY NOT NULL,
  received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_events_old ON payment_events (received_at);
)sql";

/// From schema 2 to 3: what the database says about itself. `epoch` names this store: a version of
/// an order means something only beside it. `demo` is there if the store was filled with demo data.
/// Older databases have no such mark. One that has a user with an id of the demo data is demo data:
/// every other user's id was random, and nothing but the demo data ever made these.
constexpr const char* to_schema_3 = R"sql(
PRAGMA user_version = 3;

CREATE TABLE meta (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('epoch', lower(hex(randomblob(16))));
INSERT INTO meta (name, value) SELECT 'demo', '1' WHERE EXISTS (
  SELECT 1 FROM users WHERE id IN ('user-admin', 'user-manager', 'user-manager2', 'user-customer',
                                   'user-customer2'));
)sql";

/// From schema 3 to 4: which of its user's orders an order is, counted once when it is made instead
/// of at each push.
constexpr const char* to_schema_4 = R"sql(
PRAGMA user_version = 4;

ALTER TABLE orders ADD COLUMN nth_of_user INTEGER NOT NULL DEFAULT 0;
UPDATE orders SET nth_of_user = counted.nth FROM (
  SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY number) AS nth FROM orders) AS counted
  WHERE counted.id = orders.id;
CREATE INDEX orders_nth_of_user ON orders (user_id, nth_of_user);
)sql";

/// From schema 4 to 5: sign-ins, so that one can be ended. `device_token` is the device that
/// registered in it.
constexpr const char* to_schema_5 = R"sql(
PRAGMA user_version = 5;

CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY NOT NULL,
  user_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  device_token TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS sessions_expired ON sessions (expires_at);
CREATE INDEX IF NOT EXISTS sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE IF NOT EXISTS ended_users (
  user_id TEXT PRIMARY KEY NOT NULL,
  ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

/// From schema 5 to 6: users that may not sign in, and what operators changed of users, for a
/// server that runs meanwhile. Numbers of changes are never used twice.
constexpr const char* to_schema_6 = R"sql(
PRAGMA user_version = 6;

CREATE TABLE IF NOT EXISTS disabled_users (
  user_id TEXT PRIMARY KEY NOT NULL,
  disabled_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS account_changes (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL
) STRICT;
)sql";

/// From schema 6 to 7: orders have a number that people can say, by organization, and a history
/// that knows who made each change; requests that may come twice and refunds have a memory.
constexpr const char* to_schema_7 = R"sql(
PRAGMA user_version = 7;

ALTER TABLE users ADD COLUMN phone TEXT;
ALTER TABLE shops ADD COLUMN phone TEXT;

ALTER TABLE orders ADD COLUMN number_in_organization INTEGER NOT NULL DEFAULT 0;
UPDATE orders SET number_in_organization = 1000 + counted.nth FROM (
  SELECT id, row_number() OVER (PARTITION BY organization_id ORDER BY number) AS nth FROM orders)
  AS counted WHERE counted.id = orders.id;
CREATE UNIQUE INDEX orders_number_in_organization
  ON orders (organization_id, number_in_organization);
ALTER TABLE orders ADD COLUMN refund_status TEXT
  CHECK (refund_status IN ('DUE', 'REQUESTED', 'DONE', 'FAILED'));
ALTER TABLE orders ADD COLUMN estimated_ready_at INTEGER;
CREATE INDEX orders_of_store ON orders (store_id, created_at);

ALTER TABLE status_logs ADD COLUMN version INTEGER;
ALTER TABLE status_logs ADD COLUMN payment_status TEXT;
ALTER TABLE status_logs ADD COLUMN actor_id TEXT;
ALTER TABLE status_logs ADD COLUMN actor_role TEXT;
ALTER TABLE status_logs ADD COLUMN is_shown INTEGER NOT NULL DEFAULT 1;

CREATE TABLE requests (
  user_id TEXT NOT NULL,
  key TEXT NOT NULL,
  digest TEXT NOT NULL,
  answer TEXT NOT NULL,
  answered_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_old ON requests (answered_at);

CREATE TABLE refunds (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  order_id TEXT NOT NULL REFERENCES orders (id),
  payment_id TEXT NOT NULL UNIQUE,
  amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0),
  state TEXT NOT NULL DEFAULT 'DUE' CHECK (state IN ('DUE', 'REQUESTED', 'DONE', 'FAILED')),
  refund_id TEXT,
  round INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  dead_at INTEGER,
  error TEXT
) STRICT;
CREATE INDEX refunds_due ON refunds (due_at) WHERE state IN ('DUE', 'REQUESTED');
CREATE INDEX refunds_failed ON refunds (dead_at) WHERE state = 'FAILED';
)sql";

/// Entry i brings a database of schema i to schema i + 1.
constexpr std::array steps{schema_1,    to_schema_2, to_schema_3, to_schema_4,
                           to_schema_5, to_schema_6, to_schema_7};
static_assert(steps.size() == schema_version);

std::int64_t number(Connection& connection, std::string_view sql) {
  Query query = connection.query(sql);
  return query.next() ? query.integer(0) : 0;
}

bool has_tables(Connection& connection) {
  return number(connection, "SELECT count(*) FROM sqlite_schema") != 0;
}

}  // namespace

void require_own_or_empty(Connection& connection) {
  const std::string what = "cannot use \"" + connection.file() + "\": ";
  const bool is_ours = number(connection, "PRAGMA application_id") == application_id;
  if (!is_ours && has_tables(connection)) {
    throw StoreError(what + "it is another program's database");
  }
  const std::int64_t version = number(connection, "PRAGMA user_version");
  if (is_ours && version > schema_version) {
    throw StoreError(what + "it has schema version " + std::to_string(version) +
                     ", this program knows up to " + std::to_string(schema_version));
  }
}

void update_schema(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::immediate);
  // Read under the lock, because another process may have been first.
  const std::int64_t found = has_tables(connection) ? number(connection, "PRAGMA user_version") : 0;
  if (found == schema_version) return;
  for (auto step = steps.begin() + found; step != steps.end(); ++step) connection.execute(*step);
  transaction.commit();
}

}  // namespace order_server::sqlite
