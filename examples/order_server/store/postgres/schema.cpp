// SPDX-License-Identifier: MIT
#include "store/postgres/schema.hpp"

#include <array>

namespace order_server::postgres {
namespace {

/// The number of our advisory lock in the database: "ordercst" in ASCII.
constexpr std::int64_t migration_lock = 0x6F72646572637374;

// The same tables as SQLite's, and for the same reasons; see store/sqlite/schema.cpp. Texts compare
// by bytes, whatever the database's locale. What differs: each consumer of the outbox has a table
// of narrow rows, which it locks, leases and deletes without getting into the other's way; the
// orders of a user are counted in a table of their own, as two nodes may take an order of one user
// at once; and an event of the payment provider is remembered as bytes.
constexpr const char* schema_1 = R"sql(
CREATE TABLE meta (
  name text COLLATE "C" PRIMARY KEY,
  value text NOT NULL
);
INSERT INTO meta (name, value) VALUES
  ('program', 'ordercast order_server'),
  ('schema', '1'),
  ('usable_from_schema', '1'),
  ('epoch', replace(gen_random_uuid()::text, '-', ''));

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  email text COLLATE "C" NOT NULL,
  name text NOT NULL,
  password_hash text NOT NULL,
  role text COLLATE "C" NOT NULL
    CHECK (role IN ('SUPER_ADMIN', 'ORG_ADMIN', 'STORE_MANAGER', 'STAFF', 'RIDER', 'CUSTOMER')),
  organization_id text COLLATE "C",
  CHECK ((role IN ('SUPER_ADMIN', 'CUSTOMER')) = (organization_id IS NULL))
);
CREATE UNIQUE INDEX users_email ON users (lower(email));

CREATE TABLE shops (
  id text COLLATE "C" PRIMARY KEY,
  organization_id text COLLATE "C" NOT NULL,
  name text NOT NULL
);

CREATE TABLE products (
  id text COLLATE "C" PRIMARY KEY,
  store_id text COLLATE "C" NOT NULL REFERENCES shops (id),
  name text NOT NULL,
  price_minor bigint NOT NULL CHECK (price_minor >= 0)
);
CREATE INDEX products_of_store ON products (store_id);

CREATE TABLE order_counts (
  user_id text COLLATE "C" PRIMARY KEY,
  orders bigint NOT NULL
);

CREATE TABLE orders (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE CHECK (octet_length(id) BETWEEN 1 AND 128),
  user_id text COLLATE "C" NOT NULL,
  store_id text COLLATE "C" NOT NULL REFERENCES shops (id),
  organization_id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL
    CHECK (status IN ('PENDING', 'CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY',
                      'DELIVERED', 'CANCELLED')),
  payment_status text COLLATE "C" NOT NULL
    CHECK (payment_status IN ('PENDING', 'PAID', 'FAILED', 'REFUNDED')),
  payment_method text COLLATE "C" NOT NULL CHECK (payment_method IN ('ONLINE', 'COD')),
  fulfillment_type text COLLATE "C" NOT NULL CHECK (fulfillment_type IN ('DELIVERY', 'PICKUP')),
  total_minor bigint NOT NULL CHECK (total_minor >= 0),
  delivery_address text,
  razorpay_order_id text COLLATE "C" UNIQUE,
  razorpay_payment_id text COLLATE "C",
  note text,
  version bigint NOT NULL CHECK (version BETWEEN 1 AND 9007199254740991),
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  nth_of_user bigint NOT NULL,
  CHECK (NOT (fulfillment_type = 'PICKUP' AND status = 'OUT_FOR_DELIVERY'))
) WITH (fillfactor = 80);
CREATE INDEX orders_newest ON orders (created_at, number);
CREATE INDEX orders_of_user ON orders (user_id, created_at, number);
CREATE INDEX orders_of_organization ON orders (organization_id, created_at, number);
CREATE INDEX orders_of_status ON orders (status, created_at, number);
CREATE INDEX orders_of_organization_status ON orders (organization_id, status, created_at, number);

CREATE TABLE order_items (
  order_number bigint NOT NULL REFERENCES orders (number),
  position bigint NOT NULL CHECK (position >= 1),
  id text COLLATE "C" NOT NULL,
  product_id text COLLATE "C" NOT NULL REFERENCES products (id),
  name text NOT NULL,
  quantity bigint NOT NULL CHECK (quantity > 0),
  unit_price_minor bigint NOT NULL CHECK (unit_price_minor >= 0),
  PRIMARY KEY (order_number, position)
);

CREATE TABLE status_logs (
  order_number bigint NOT NULL REFERENCES orders (number),
  position bigint NOT NULL CHECK (position >= 1),
  id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL
    CHECK (status IN ('PENDING', 'CONFIRMED', 'PREPARING', 'READY', 'OUT_FOR_DELIVERY',
                      'DELIVERED', 'CANCELLED')),
  note text,
  created_at bigint NOT NULL,
  PRIMARY KEY (order_number, position)
);

CREATE TABLE outbox (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text COLLATE "C" NOT NULL REFERENCES orders (id),
  owner_id text COLLATE "C" NOT NULL,
  organization_id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  version bigint NOT NULL CHECK (version >= 1),
  order_json text NOT NULL,
  created_at bigint NOT NULL,
  notify boolean NOT NULL,
  UNIQUE (order_id, version)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE broadcasts (
  sequence bigint PRIMARY KEY,
  attempts bigint NOT NULL DEFAULT 0,
  retry_at bigint,
  dead_at bigint,
  error text,
  leased_by text COLLATE "C",
  leased_until timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX broadcasts_waiting ON broadcasts (sequence) WHERE attempts = 0;
CREATE INDEX broadcasts_failed ON broadcasts (dead_at, retry_at) WHERE attempts > 0;

CREATE TABLE unqueued_pushes (
  sequence bigint PRIMARY KEY
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE devices (
  token text COLLATE "C" PRIMARY KEY,
  number bigint GENERATED ALWAYS AS IDENTITY,
  user_id text COLLATE "C" NOT NULL,
  platform text COLLATE "C" NOT NULL,
  registered_at bigint NOT NULL
);
CREATE INDEX devices_of_user ON devices (user_id, registered_at, number);

CREATE TABLE push_jobs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text COLLATE "C" NOT NULL REFERENCES orders (id),
  token text COLLATE "C" NOT NULL REFERENCES devices (token) ON DELETE CASCADE,
  user_id text COLLATE "C" NOT NULL,
  version bigint NOT NULL CHECK (version >= 1),
  status text COLLATE "C" NOT NULL,
  changed_at bigint NOT NULL,
  attempts bigint NOT NULL DEFAULT 0,
  failures bigint NOT NULL DEFAULT 0,
  due_at bigint NOT NULL,
  dead_at bigint,
  error text,
  leased_by text COLLATE "C",
  leased_until timestamptz,
  UNIQUE (order_id, token)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX push_jobs_waiting ON push_jobs (attempts, due_at, id) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_due ON push_jobs (due_at) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_oldest ON push_jobs (changed_at) WHERE dead_at IS NULL;
CREATE INDEX push_jobs_dead ON push_jobs (dead_at, id) WHERE dead_at IS NOT NULL;
CREATE INDEX push_jobs_of_device ON push_jobs (token);

CREATE TABLE payment_events (
  id bytea NOT NULL,
  digest bytea NOT NULL,
  received_at bigint NOT NULL,
  PRIMARY KEY (id, digest)
);
CREATE INDEX payment_events_old ON payment_events (received_at);

CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ended_at bigint,
  device_token text COLLATE "C"
);
CREATE INDEX sessions_of_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expired ON sessions (expires_at);
CREATE INDEX sessions_ended ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE ended_users (
  user_id text COLLATE "C" PRIMARY KEY,
  ended_at bigint NOT NULL
);

CREATE TABLE disabled_users (
  user_id text COLLATE "C" PRIMARY KEY,
  disabled_at bigint NOT NULL
);

CREATE TABLE account_changes (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL
);
)sql";

/// From schema 1 to 2: what SQLite's schema 7 brings. Programs of schema 1 would number no orders.
constexpr const char* to_schema_2 = R"sql(
UPDATE meta SET value = '2' WHERE name IN ('schema', 'usable_from_schema');

ALTER TABLE users ADD COLUMN phone text;
ALTER TABLE shops ADD COLUMN phone text;

CREATE TABLE organization_counts (
  organization_id text COLLATE "C" PRIMARY KEY,
  orders bigint NOT NULL
);
INSERT INTO organization_counts (organization_id, orders)
  SELECT organization_id, count(*) FROM orders GROUP BY organization_id;

ALTER TABLE orders
  ADD COLUMN number_in_organization bigint,
  ADD COLUMN refund_status text COLLATE "C"
    CHECK (refund_status IN ('DUE', 'REQUESTED', 'DONE', 'FAILED')),
  ADD COLUMN estimated_ready_at bigint;
UPDATE orders SET number_in_organization = 1000 + counted.nth FROM (
  SELECT number, row_number() OVER (PARTITION BY organization_id ORDER BY number) AS nth
  FROM orders) AS counted WHERE counted.number = orders.number;
ALTER TABLE orders ALTER COLUMN number_in_organization SET NOT NULL;
CREATE UNIQUE INDEX orders_number_in_organization
  ON orders (organization_id, number_in_organization);
CREATE INDEX orders_of_store ON orders (store_id, created_at, number);

ALTER TABLE status_logs
  ADD COLUMN version bigint,
  ADD COLUMN payment_status text COLLATE "C",
  ADD COLUMN actor_id text COLLATE "C",
  ADD COLUMN actor_role text COLLATE "C",
  ADD COLUMN is_shown boolean NOT NULL DEFAULT true;

CREATE TABLE requests (
  user_id text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  digest text COLLATE "C" NOT NULL,
  answer text NOT NULL,
  answered_at bigint NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX requests_old ON requests (answered_at);

CREATE TABLE refunds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  order_id text COLLATE "C" NOT NULL REFERENCES orders (id),
  payment_id text COLLATE "C" NOT NULL UNIQUE,
  amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
  state text COLLATE "C" NOT NULL DEFAULT 'DUE'
    CHECK (state IN ('DUE', 'REQUESTED', 'DONE', 'FAILED')),
  refund_id text COLLATE "C",
  round bigint NOT NULL DEFAULT 0,
  attempts bigint NOT NULL DEFAULT 0,
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  dead_at bigint,
  error text
);
CREATE INDEX refunds_due ON refunds (due_at) WHERE state IN ('DUE', 'REQUESTED');
CREATE INDEX refunds_failed ON refunds (dead_at) WHERE state = 'FAILED';
)sql";

/// Entry i brings a database of schema i to schema i + 1. A step that older programs can't live
/// with also raises `usable_from_schema`.
constexpr std::array steps{schema_1, to_schema_2};
static_assert(steps.size() == schema_version);

std::int64_t meta_number(Connection& connection, std::string_view name) {
  const auto found = connection.query("SELECT value::bigint FROM meta WHERE name = $1", name);
  return found.empty() ? 0 : found.integer(0, 0);
}

/// 0 where there are no tables yet.
std::int64_t found_version(Connection& connection) {
  const auto tables = connection.query(
      "SELECT count(*), count(*) FILTER (WHERE relname = 'meta') FROM pg_class AS c "
      "WHERE relkind IN ('r', 'p') AND relnamespace = "
      "(SELECT oid FROM pg_namespace WHERE nspname = current_schema()) "
      "AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = c.oid AND deptype = 'e')");
  if (tables.integer(0, 0) == 0) return 0;
  const bool is_ours =
      tables.integer(0, 1) != 0 &&
      !connection
           .query("SELECT 1 FROM meta WHERE name = 'program' AND value = 'ordercast order_server'")
           .empty();
  if (!is_ours) {
    throw StoreError("cannot use " + connection.name() +
                     ": its tables are another program's; give the server a database or a schema "
                     "of its own");
  }
  return meta_number(connection, "schema");
}

void require_usable(Connection& connection) {
  const auto least = meta_number(connection, "usable_from_schema");
  if (least <= schema_version) return;
  throw StoreError("cannot use " + connection.name() + ": its tables are for programs of schema " +
                   std::to_string(least) + " and later, this one has schema " +
                   std::to_string(schema_version));
}

}  // namespace

void require_own_or_empty(Connection& connection) {
  if (found_version(connection) > 0) require_usable(connection);
}

void update_schema(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::change);
  // Another node may be changing the schema, and a step may take long: only the caller's deadline
  // counts.
  connection.execute("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0");
  connection.query("SELECT pg_advisory_xact_lock($1)", migration_lock);
  const auto found = found_version(connection);
  if (found > 0) require_usable(connection);
  for (auto step = found; step < schema_version; ++step) {
    connection.execute(steps.at(static_cast<std::size_t>(step)));
  }
  transaction.commit();
}

void notice_restored(Connection& connection) {
  Transaction transaction(connection, Transaction::Kind::change);
  connection.query("SELECT pg_advisory_xact_lock($1)", migration_lock);
  // A copy made with pg_dump is another database; one made of files, or recovered to a point in
  // time, goes on with a timeline of its own. So does a standby that takes over: it may lack the
  // last changes.
  const auto now = connection.query(
      "SELECT system_identifier || '/' || (SELECT oid FROM pg_database WHERE datname = "
      "current_database()) || '/' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) "
      "FROM pg_control_system()");
  const auto served_as = now.text(0, 0);
  const auto before = connection.query("SELECT value FROM meta WHERE name = 'served_as'");
  if (!before.empty() && before.text(0, 0) == served_as) return;
  if (!before.empty()) {
    connection.execute(
        "UPDATE meta SET value = replace(gen_random_uuid()::text, '-', '') WHERE name = 'epoch'");
  }
  connection.query(
      "INSERT INTO meta (name, value) VALUES ('served_as', $1) "
      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
      served_as);
  transaction.commit();
}

}  // namespace order_server::postgres
