// SPDX-License-Identifier: MIT
#include "api/order_filter.hpp"

#include "api_fixture.hpp"

#include <catch2/catch.hpp>

#include <set>

/// Lists of orders as people look for them, through the API.
namespace order_server {
namespace {

struct ShopFixture : ApiFixture {
  ShopFixture() {
    asha.name = "Asha Rao";
    asha.phone = "+91 98450 12345";
    bela.name = "100% Bela_x";
    for (const auto& user : {asha, bela}) store.add_user(user);
  }

  json list(const std::string& query, const User& user) {
    const auto response = call("GET", "/api/v1/orders" + query, user);
    INFO(response.body);
    REQUIRE(response.status == 200);
    return json::parse(response.body);
  }
  std::set<int> numbers(const std::string& query, const User& user) {
    std::set<int> found;
    const auto page = list(query, user);
    for (const auto& order : page["data"]) found.insert(order["number"].get<int>());
    return found;
  }
  std::set<int> numbers(const std::string& query) { return numbers(query, manager); }

  json place(const User& owner, const std::string& product, const std::string& method,
             const std::string& type) {
    wall += std::chrono::seconds(1);
    auto request = order_request();
    request["items"] = {{{"productId", product}, {"quantity", 1}}};
    request["paymentMethod"] = method;
    request["fulfillmentType"] = type;
    return data_of(call("POST", "/api/v1/orders", owner, request));
  }

  User asha = make_user("asha", Role::customer);
  User bela = make_user("bela", Role::customer);
};

using Set = std::set<int>;

}  // namespace

TEST_CASE("a page size above the largest counts as the largest, however large", "[filter]") {
  for (const auto* size : {"101", "1000000", "1000001", "1000000000", "99999999999999999999999"}) {
    CAPTURE(size);
    OrderFilter filter;
    CHECK(read_order_filter("pageSize=" + std::string(size), filter).empty());
    CHECK(filter.page_size == 100);
  }
}

TEST_CASE("a list is filtered by what an order is", "[api][orders][filter]") {
  ShopFixture f;
  f.place(f.asha, "tea", "ONLINE", "DELIVERY");                // 1001
  f.place(f.asha, "milk", "COD", "PICKUP");                    // 1002
  f.place(f.bela, "tea", "COD", "DELIVERY");                   // 1003
  const auto paid = f.place(f.bela, "milk", "COD", "PICKUP");  // 1004
  f.call("PATCH", "/api/v1/orders/" + paid["id"].get<std::string>() + "/payment-status", f.manager,
         {{"paymentStatus", "PAID"}});
  f.set_status(paid["id"], "CONFIRMED", f.manager);

  CHECK(f.numbers("?paymentMethod=COD") == Set{1002, 1003, 1004});
  CHECK(f.numbers("?fulfillmentType=PICKUP") == Set{1002, 1004});
  CHECK(f.numbers("?paymentStatus=PAID") == Set{1004});
  CHECK(f.numbers("?status=CONFIRMED,PENDING") == Set{1001, 1002, 1003, 1004});
  CHECK(f.numbers("?status=CONFIRMED,CANCELLED,CONFIRMED") == Set{1004});
  CHECK(f.numbers("?userId=asha") == Set{1001, 1002});
  CHECK(f.numbers("?userId=asha&paymentMethod=COD") == Set{1002});
  CHECK(f.numbers("?storeId=store-1&status=PENDING") == Set{1001, 1002, 1003});
  CHECK(f.numbers("?storeId=store-2").empty());
  CHECK(f.numbers("?storeId=&userId=&colour=red") == Set{1001, 1002, 1003, 1004});
}

TEST_CASE("no filter shows anybody an order that is not theirs", "[api][orders][filter]") {
  ShopFixture f;
  f.place(f.asha, "tea", "COD", "DELIVERY");
  for (const char* query : {"?userId=asha", "?storeId=store-1", "?q=asha", "?q=1001", "?q=tea",
                            "?status=PENDING", "?sortBy=number&sortOrder=asc"}) {
    INFO(query);
    CHECK(f.numbers(query, f.bela).empty());
    CHECK(f.numbers(query, f.manager2).empty());
    CHECK(f.list(query, f.bela)["meta"]["total"] == 0);
    CHECK(data_of(f.call("GET", "/api/v1/orders/counts" + std::string(query), f.bela))["total"] ==
          0);
    CHECK(f.numbers(query, f.asha) == Set{1001});
  }
  const auto id = f.list("", f.asha)["data"][0]["id"].get<std::string>();
  CHECK(f.numbers("?q=" + id, f.bela).empty());
  CHECK(f.numbers("?q=" + id, f.manager2).empty());
}

TEST_CASE("dates are whole days in UTC, instants are exact", "[api][orders][filter]") {
  ShopFixture f;
  const auto at = [&](std::int64_t ms) {
    f.wall = std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
    auto order = sample_order("o-" + std::to_string(ms), "asha", ms);
    order.items[0].product_id = "tea";
    f.store.create_order(order);
  };
  at(1714521599999);  // 2024-04-30T23:59:59.999Z: 1001
  at(1714521600000);  // 2024-05-01T00:00:00.000Z: 1002
  at(1714607999999);  // 2024-05-01T23:59:59.999Z: 1003
  at(1714608000000);  // 2024-05-02T00:00:00.000Z: 1004
  f.wall = std::chrono::system_clock::now();
  CHECK(f.numbers("?dateFrom=2024-05-01") == Set{1002, 1003, 1004});
  CHECK(f.numbers("?dateTo=2024-05-01") == Set{1001, 1002, 1003});
  CHECK(f.numbers("?dateFrom=2024-05-01&dateTo=2024-05-01") == Set{1002, 1003});
  CHECK(f.numbers("?dateFrom=2024-05-01T23:59:59.999Z") == Set{1003, 1004});
  CHECK(f.numbers("?dateTo=2024-05-01T05:30:00%2B05:30") == Set{1001, 1002});
  CHECK(f.numbers("?dateFrom=2024-05-03&dateTo=2024-05-01").empty());
}

TEST_CASE("a search finds number, id, customer, phone and item, in any case",
          "[api][orders][filter]") {
  ShopFixture f;
  const auto first = f.place(f.asha, "tea", "COD", "DELIVERY");  // 1001
  f.place(f.bela, "milk", "COD", "DELIVERY");                    // 1002
  CHECK(f.numbers("?q=1001") == Set{1001});
  CHECK(f.numbers("?q=%231002") == Set{1002});
  CHECK(f.numbers("?q=rao") == Set{1001});
  CHECK(f.numbers("?q=ASHA+RAO") == Set{1001});
  CHECK(f.numbers("?q=BELA@example") == Set{1002});
  CHECK(f.numbers("?q=98450%2012345") == Set{1001});
  CHECK(f.numbers("?q=mIl") == Set{1002});
  CHECK(f.numbers("?q=%20tea%20") == Set{1001});
  CHECK(f.numbers("?q=nothing").empty());
  CHECK(f.numbers("?q=") == Set{1001, 1002});
  const auto id = first["id"].get<std::string>();
  for (const auto length : {3U, 8U, 20U, 36U})
    CHECK(f.numbers("?q=" + id.substr(0, length)).count(1001) == 1);
  std::string upper = id;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(f.numbers("?q=" + upper) == Set{1001});
  CHECK(f.numbers("?q=" + id, f.admin) == Set{1001});
  CHECK(f.numbers("?q=" + id.substr(1)).empty());
  CHECK(f.numbers("?q=tea&status=CONFIRMED").empty());
  CHECK(f.numbers("?q=" + id + "&status=CONFIRMED").empty());
}

TEST_CASE("a search takes wildcards and quotes for what they are", "[api][orders][filter]") {
  ShopFixture f;
  f.place(f.asha, "tea", "COD", "DELIVERY");   // 1001
  f.place(f.bela, "milk", "COD", "DELIVERY");  // 1002
  CHECK(f.numbers("?q=%25") == Set{1002});     // "100% Bela_x" alone
  CHECK(f.numbers("?q=_x") == Set{1002});
  CHECK(f.numbers("?q=%5C").empty());
  CHECK(f.numbers("?q=%27%20OR%201=1%20--").empty());
  CHECK(f.numbers("?storeId=%27%20OR%20%27%27=%27").empty());
}

TEST_CASE("a value that can't be read is 400, and says which and what is allowed",
          "[api][orders][filter]") {
  ShopFixture f;
  const std::string long_text(201, 'x');
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"status=pending", "status"},
      {"status=PENDING,", "status"},
      {"status=", "status"},
      {"paymentStatus=PAID,FAILED", "paymentStatus"},
      {"paymentMethod=cash", "paymentMethod"},
      {"fulfillmentType=", "fulfillmentType"},
      {"dateFrom=yesterday", "dateFrom"},
      {"dateTo=2024-02-30", "dateTo"},
      {"sortBy=id", "sortBy"},
      {"sortBy=number;drop%20table%20orders", "sortBy"},
      {"sortOrder=up", "sortOrder"},
      {"page=0", "page"},
      {"pageSize=all", "pageSize"},
      {"pageSize=0", "pageSize"},
      {"pageSize=-99999999", "pageSize"},
      {"pageSize=00000000", "pageSize"},
      {"pageSize=1e99999999", "pageSize"},
      {"q=" + long_text, "q"},
      {"q=%00", "q"},
      {"q=%FF", "q"},
      {"storeId=" + long_text, "storeId"},
      {"userId=a%0Ab", "userId"},
      {"cursor=", "cursor"},
      {"cursor=a.1", "cursor"},
      {"cursor=a.1.0", "cursor"},
      {"cursor=a.1.1.1", "cursor"},
      {"cursor=a.99999999999999999999.1", "cursor"},
      {"cursor=b.1.1", "cursor"},  // of another sort
      {"cursor=%27", "cursor"},
  };
  for (const auto& [query, name] : wrong) {
    for (const char* path : {"/api/v1/orders?", "/api/v1/orders/counts?"}) {
      const auto response = f.call("GET", path + query, f.manager);
      INFO(query << " " << response.body);
      CHECK(response.status == 400);
      CHECK(json::parse(response.body)["message"].get<std::string>().rfind(name + " must be", 0) ==
            0);
    }
  }
}

TEST_CASE("a list is sorted as asked for", "[api][orders][filter]") {
  ShopFixture f;
  f.place(f.asha, "tea", "COD", "DELIVERY");                  // 1001: 285.50
  const auto low = f.place(f.asha, "milk", "COD", "PICKUP");  // 1002: 68.00
  f.place(f.asha, "tea", "COD", "DELIVERY");                  // 1003: 285.50
  f.wall += std::chrono::seconds(1);
  f.set_status(low["id"], "CONFIRMED", f.manager);
  const auto sequence = [&](const std::string& query) {
    std::vector<int> numbers;
    const auto page = f.list(query, f.manager);
    for (const auto& order : page["data"]) numbers.push_back(order["number"]);
    return numbers;
  };
  using Numbers = std::vector<int>;
  CHECK(sequence("") == Numbers{1003, 1002, 1001});
  CHECK(sequence("?sortOrder=asc") == Numbers{1001, 1002, 1003});
  CHECK(sequence("?sortBy=updatedAt") == Numbers{1002, 1003, 1001});
  CHECK(sequence("?sortBy=totalAmount") == Numbers{1003, 1001, 1002});
  CHECK(sequence("?sortBy=totalAmount&sortOrder=asc") == Numbers{1002, 1001, 1003});
  CHECK(sequence("?sortBy=number&sortOrder=asc") == Numbers{1001, 1002, 1003});
}

TEST_CASE("cursors walk through every order once, whatever comes meanwhile",
          "[api][orders][filter]") {
  ShopFixture f;
  for (int i = 0; i < 7; ++i) f.place(f.asha, i % 2 == 0 ? "tea" : "milk", "COD", "DELIVERY");
  for (const std::string& sort :
       std::vector<std::string>{"", "&sortOrder=asc", "&sortBy=totalAmount",
                                "&sortBy=number&sortOrder=asc", "&sortBy=updatedAt", "&q=asha"}) {
    INFO(sort);
    std::vector<int> seen;
    std::string cursor;
    for (int pages = 0; pages < 20; ++pages) {
      const auto page = f.list("?pageSize=2" + sort + cursor, f.manager);
      for (const auto& order : page["data"]) seen.push_back(order["number"]);
      if (page["meta"]["nextCursor"].is_null()) break;
      cursor = "&cursor=" + page["meta"]["nextCursor"].get<std::string>();
      if (sort.empty()) f.place(f.bela, "tea", "COD", "DELIVERY");  // newer ones move nothing
    }
    const Set once(seen.begin(), seen.end());
    CHECK(once.size() == seen.size());
    for (int number = 1001; number <= 1007; ++number) CHECK(once.count(number) == 1);
  }
  CHECK(f.list("?pageSize=2&page=2", f.asha)["meta"]["nextCursor"].is_string());
  CHECK(f.list("?pageSize=7", f.asha)["meta"]["nextCursor"].is_null());
  CHECK(f.list("?pageSize=7&page=2", f.asha)["meta"]["nextCursor"].is_null());
}

TEST_CASE("counts are by status, of the same filters", "[api][orders][filter]") {
  ShopFixture f;
  f.place(f.asha, "tea", "COD", "DELIVERY");
  f.place(f.bela, "tea", "COD", "DELIVERY");
  const auto moved = f.place(f.bela, "milk", "COD", "PICKUP");
  f.set_status(moved["id"], "CONFIRMED", f.manager);
  const auto counts = [&](const std::string& query, const User& user) {
    return data_of(f.call("GET", "/api/v1/orders/counts" + query, user));
  };
  CHECK(counts("", f.manager) == json{{"total", 3},
                                      {"byStatus",
                                       {{"PENDING", 2},
                                        {"CONFIRMED", 1},
                                        {"PREPARING", 0},
                                        {"READY", 0},
                                        {"OUT_FOR_DELIVERY", 0},
                                        {"DELIVERED", 0},
                                        {"CANCELLED", 0}}}});
  CHECK(counts("", f.asha)["total"] == 1);
  CHECK(counts("?status=PENDING", f.admin)["total"] == 2);
  CHECK(counts("?q=milk", f.manager)["byStatus"]["CONFIRMED"] == 1);
  CHECK(counts("?pageSize=1&page=9", f.manager)["total"] == 3);
  CHECK(counts("", make_user("stranger", Role::staff, "org-9"))["total"] == 0);
}

TEST_CASE("lists, counts and searches run where many rows are read", "[api][orders][filter]") {
  ShopFixture f;
  f.list("?q=asha", f.manager);
  f.call("GET", "/api/v1/orders/counts", f.manager);
  CHECK(f.lanes_used == std::vector<Lane>{Lane::list, Lane::list});
}

TEST_CASE("staff reads who did what to an order, and what no log shows", "[api][orders][history]") {
  ShopFixture f;
  const auto order = f.place(f.asha, "tea", "COD", "DELIVERY");
  const auto path = "/api/v1/orders/" + order["id"].get<std::string>();
  f.call("PATCH", path + "/status", f.manager, {{"status", "CONFIRMED"}, {"note", "at once"}});
  f.call("PATCH", path + "/payment-status", f.admin, {{"paymentStatus", "PAID"}});
  const auto response = f.call("GET", path + "/history", f.rider);
  REQUIRE(response.status == 200);
  auto history = data_of(response);
  REQUIRE(history.size() == 3);
  for (auto& entry : history) {
    CHECK(entry["createdAt"].is_string());
    entry.erase("createdAt");
  }
  CHECK(history[0] ==
        json{{"version", 1},
             {"status", "PENDING"},
             {"paymentStatus", "PENDING"},
             {"note", nullptr},
             {"actor", {{"id", "asha"}, {"name", "Asha Rao"}, {"role", "CUSTOMER"}}}});
  CHECK(history[1] ==
        json{{"version", 2},
             {"status", "CONFIRMED"},
             {"paymentStatus", "PENDING"},
             {"note", "at once"},
             {"actor", {{"id", "manager"}, {"name", "User manager"}, {"role", "ORG_ADMIN"}}}});
  CHECK(history[2] ==
        json{{"version", 3},
             {"status", "CONFIRMED"},
             {"paymentStatus", "PAID"},
             {"note", nullptr},
             {"actor", {{"id", "admin"}, {"name", "User admin"}, {"role", "SUPER_ADMIN"}}}});
  // The payment wrote no log that the customer sees.
  CHECK(data_of(f.call("GET", path, f.asha))["statusLogs"].size() == 2);

  CHECK(f.call("GET", path + "/history", f.asha).status == 403);
  const auto foreign = f.call("GET", path + "/history", f.manager2);
  CHECK(foreign.status == 404);
  CHECK(foreign.body == f.call("GET", "/api/v1/orders/none/history", f.manager).body);
}

}  // namespace order_server
