// SPDX-License-Identifier: MIT
#include "store/demo_data.hpp"

#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/payments.hpp"
#include "domain/transitions.hpp"

#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace order_server {
namespace {

constexpr std::int64_t minute_ms = 60'000;

/// The history of one order. `left_at` is the status before a cancellation.
struct Outline {
  std::size_t shop = 0;
  PaymentMethod method = PaymentMethod::cod;
  FulfillmentType type = FulfillmentType::delivery;
  OrderStatus status = OrderStatus::pending;
  OrderStatus left_at = OrderStatus::pending;
};

constexpr auto online = PaymentMethod::online;
constexpr auto cod = PaymentMethod::cod;
constexpr auto delivery = FulfillmentType::delivery;
constexpr auto pickup = FulfillmentType::pickup;

/// The orders of each customer, newest first.
constexpr std::array<Outline, 16> outlines{{
    {0, online, delivery, OrderStatus::pending},
    {0, cod, delivery, OrderStatus::pending},
    {1, online, pickup, OrderStatus::pending},
    {1, cod, pickup, OrderStatus::pending},
    {0, online, pickup, OrderStatus::pending},
    {1, cod, delivery, OrderStatus::pending},
    {0, online, delivery, OrderStatus::confirmed},
    {1, cod, delivery, OrderStatus::confirmed},
    {0, cod, delivery, OrderStatus::preparing},
    {1, online, pickup, OrderStatus::ready},
    {0, online, delivery, OrderStatus::ready},
    {1, online, delivery, OrderStatus::out_for_delivery},
    {0, cod, delivery, OrderStatus::delivered},
    {1, online, pickup, OrderStatus::delivered},
    {0, cod, delivery, OrderStatus::cancelled, OrderStatus::pending},
    {1, cod, delivery, OrderStatus::cancelled, OrderStatus::preparing},
}};

std::vector<User> make_users(const PasswordHasher& hasher) {
  return {
      {"user-admin", "admin@martly.dev", "Asha Admin", hasher.hash("admin123"), Role::super_admin,
       ""},
      {"user-manager", "manager@martly.dev", "Manoj Manager", hasher.hash("manager123"),
       Role::org_admin, "org-1"},
      {"user-manager2", "manager2@martly.dev", "Meera Manager", hasher.hash("manager123"),
       Role::org_admin, "org-2"},
      {"user-customer", "customer@martly.dev", "Chitra Customer", hasher.hash("customer123"),
       Role::customer, "", false, "+91 80 5550 0101"},
      {"user-customer2", "customer2@martly.dev", "Chandan Customer", hasher.hash("customer123"),
       Role::customer, "", false, "+91 80 5550 0102"},
  };
}

std::vector<Product> make_products() {
  return {
      {"product-1-rice", "store-1", "Basmati Rice 5 kg", 64900},
      {"product-1-milk", "store-1", "Whole Milk 1 l", 6800},
      {"product-1-eggs", "store-1", "Free-range Eggs, 12", 12000},
      {"product-1-tea", "store-1", "Assam Tea 500 g", 28550},
      {"product-1-ghee", "store-1", "Cow Ghee 1 l", 71000},
      {"product-2-tomatoes", "store-2", "Tomatoes 1 kg", 4200},
      {"product-2-mangoes", "store-2", "Alphonso Mangoes, 6", 55000},
      {"product-2-spinach", "store-2", "Spinach, bunch", 2575},
      {"product-2-paneer", "store-2", "Fresh Paneer 200 g", 9900},
      {"product-2-bread", "store-2", "Sourdough Bread", 18000},
  };
}

/// A PENDING order of two of the shop's products; `seed` picks which and how many.
Order place(const Outline& outline, const DemoData& data, std::string user_id, std::size_t seed,
            std::int64_t at_ms) {
  const Shop& shop = data.shops[outline.shop];
  std::vector<Product> offered;
  for (const Product& product : data.products) {
    if (product.store_id == shop.id) offered.push_back(product);
  }
  Order order;
  order.id = random_uuid();
  order.user_id = std::move(user_id);
  order.store_id = shop.id;
  order.organization_id = shop.organization_id;
  order.payment_method = outline.method;
  order.fulfillment_type = outline.type;
  if (outline.type == delivery) order.delivery_address = "14 Lake Road, Bengaluru 560038";
  if (outline.method == online) order.razorpay_order_id = random_razorpay_order_id();
  if (seed % 4 == 1) order.note = "Please ring twice";
  for (const std::size_t pick : {seed, seed + 2}) {
    const Product& product = offered[pick % offered.size()];
    order.items.push_back({random_uuid(), product.id, product.name,
                           static_cast<std::int64_t>(1 + pick % 3), product.price_minor});
  }
  order.total_minor = order_total(order.items).value();
  order.status_logs.push_back({random_uuid(), OrderStatus::pending, "", at_ms});
  order.created_at_ms = at_ms;
  order.updated_at_ms = at_ms;
  return order;
}

/// Confirms an order as a customer's payment does: an online order is paid before it goes on.
Decision decide_paid(const Order& order) {
  constexpr std::string_view secret = "demo data only";
  const std::string payment_id = "pay_" + order.razorpay_order_id.substr(6);
  const std::string signature = payment_signature(secret, order.razorpay_order_id, payment_id);
  return decide_payment(order, {order.razorpay_order_id, payment_id, signature}, secret);
}

/// Every step obeys the shop's own rules; a step that they refuse throws std::bad_variant_access.
Order step(Order order, const Decision& decision) {
  const std::int64_t at_ms = order.updated_at_ms + 7 * minute_ms;
  return apply_change(std::move(order), std::get<Change>(decision), at_ms);
}

/// Moves a PENDING order to the status of its outline, through every status in between.
Order live(Order order, const Outline& outline) {
  const bool is_cancelled = outline.status == OrderStatus::cancelled;
  const OrderStatus target = is_cancelled ? outline.left_at : outline.status;
  for (const auto& [next, name] : all_order_statuses) {
    if (order.status == target) break;
    if (!can_transition(order.fulfillment_type, order.status, next)) continue;
    const bool is_payment =
        next == OrderStatus::confirmed && order.payment_method == PaymentMethod::online;
    const Decision decision = is_payment ? decide_paid(order) : decide_status(order, next);
    order = step(std::move(order), decision);
  }
  if (!is_cancelled) return order;
  const Decision decision = decide_status(order, OrderStatus::cancelled, "Out of stock");
  return step(std::move(order), decision);
}

}  // namespace

DemoData make_demo_data(const PasswordHasher& hasher, std::int64_t now_ms) {
  DemoData data;
  data.users = make_users(hasher);
  data.shops = {{"store-1", "org-1", "Martly Indiranagar", "+91 80 5550 0001"},
                {"store-2", "org-2", "Green Basket Koramangala", "+91 80 5550 0002"}};
  data.products = make_products();
  std::size_t seed = 0;
  // Oldest first, so that the sequence of creation and the times agree. With an hour between
  // orders, each has time for all its steps.
  for (std::size_t age = outlines.size(); age > 0; --age) {
    const Outline& outline = outlines[age - 1];
    std::int64_t at_ms = now_ms - static_cast<std::int64_t>(age) * 60 * minute_ms;
    for (const char* user_id : {"user-customer", "user-customer2"}) {
      data.orders.push_back(live(place(outline, data, user_id, seed++, at_ms), outline));
      at_ms += minute_ms;
    }
  }
  return data;
}

bool fill_with_demo_data(Store& store, const PasswordHasher& hasher, std::int64_t now_ms) {
  if (!store.empty())
    return false;  // fill() checks again under the lock; this check saves the hashing
  return store.fill(make_demo_data(hasher, now_ms));
}

}  // namespace order_server
