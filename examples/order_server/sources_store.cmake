# SPDX-License-Identifier: MIT
# The domain and the stores of the order server. They need SQLite3 (3.37 or newer), libpq (14 or
# newer), libsodium, spdlog and nlohmann_json.
set(ORDER_SERVER_STORE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/domain/decision.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/hash_memory.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/ids.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/money.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/order_json.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/passwords.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/payments.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/printable.cpp
  ${CMAKE_CURRENT_LIST_DIR}/domain/transitions.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/demo_data.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/open_database.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/accounts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/address.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/catalog.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/connection.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/orders.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/outbox.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/pool.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/postgres_store.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/pushes.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/postgres/schema.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/accounts.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/catalog.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/connection.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/engine.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/files.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/outbox.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/push.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/readers.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/rows.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/schema.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/sessions.cpp
  ${CMAKE_CURRENT_LIST_DIR}/store/sqlite/sqlite_store.cpp)
