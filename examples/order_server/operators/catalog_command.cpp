// SPDX-License-Identifier: MIT
#include "domain/ids.hpp"
#include "domain/money.hpp"
#include "domain/printable.hpp"
#include "operators/command_database.hpp"
#include "operators/commands.hpp"
#include "operators/printable_text.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <stdexcept>

namespace order_server {
namespace {

/// The values of the options.
struct OptionValues {
  std::string db = usual_database;
  std::string organization;
  std::string store;
  std::string name;
  std::string phone;
  std::string price;
};

CLI::Validator price() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const auto minor = parse_minor(text);
        if (minor && *minor <= max_price_minor) return "";
        return "'" + printable(text) + "' is not allowed; a price is 0.00 to " +
               format_minor(max_price_minor) + " with at most two decimals";
      },
      "");
}

/// `store` and `product` with their verbs and options.
struct Commands {
  explicit Commands(CLI::App& app, OptionValues& values)
      : store(app.add_subcommand("store", "Stores, each of one organization")),
        product(app.add_subcommand("product", "Products, each of one store")),
        add_store(store->add_subcommand("add", "Add a store and print the new id")),
        list_stores(store->add_subcommand("list", "Print all stores")),
        add_product(product->add_subcommand("add", "Add a product and print the new id")),
        list_products(product->add_subcommand("list", "Print the products")) {
    app.require_subcommand(1);
    store->require_subcommand(1);
    product->require_subcommand(1);
    for (auto* command : {add_store, list_stores, add_product, list_products}) {
      add_database_option(*command, values.db);
    }
    add_store->add_option("--org", values.organization, "Organization whose staff runs the store")
        ->required()
        ->check(printable_text(max_name_bytes));
    add_store->add_option("--phone", values.phone, "Phone number, which customers see")
        ->check(printable_text(max_phone_bytes));
    for (auto* command : {add_store, add_product}) {
      command->add_option("--name", values.name, "Name")
          ->required()
          ->check(printable_text(max_name_bytes));
    }
    add_product->add_option("--store", values.store, "Id of the store that sells it")->required();
    add_product->add_option("--price", values.price, "Price, like 12.50")
        ->required()
        ->check(price());
    list_products->add_option("--store", values.store, "Print those of one store [default: all]");
  }

  CLI::App* store;
  CLI::App* product;
  CLI::App* add_store;
  CLI::App* list_stores;
  CLI::App* add_product;
  CLI::App* list_products;
};

void require_store(Database& store, const std::string& id) {
  if (store.find_shop(id)) return;
  throw std::runtime_error("there is no store '" + printable(id) +
                           "'; `order_server store list` prints all stores");
}

void print_stores(Database& store, std::FILE* out) {
  std::fprintf(out, "%-36s %-20s %s\n", "ID", "ORGANIZATION", "NAME");
  for (const auto& shop : store.list_shops()) {
    std::fprintf(out, "%-36s %-20s %s\n", printable(shop.id).c_str(),
                 printable(shop.organization_id).c_str(), printable(shop.name).c_str());
  }
}

void print_products(Database& store, const std::string& store_id, std::FILE* out) {
  std::fprintf(out, "%-36s %-36s %12s %s\n", "ID", "STORE", "PRICE", "NAME");
  for (const auto& product : store.list_products(store_id)) {
    std::fprintf(out, "%-36s %-36s %12s %s\n", printable(product.id).c_str(),
                 printable(product.store_id).c_str(), format_minor(product.price_minor).c_str(),
                 printable(product.name).c_str());
  }
}

void run(const Commands& commands, const OptionValues& values, std::FILE* out) {
  if (!*commands.add_store) require_database(values.db);
  const auto opened = open_for_command(values.db);
  Database& store = *opened;
  if (*commands.list_stores) return print_stores(store, out);
  if (!values.store.empty()) require_store(store, values.store);
  if (*commands.list_products) return print_products(store, values.store, out);
  const auto id = random_uuid();
  if (*commands.add_store) {
    store.add_shop({id, values.organization, values.name, values.phone});
  } else {
    store.add_product({id, values.store, values.name, *parse_minor(values.price)});
  }
  std::fprintf(out, "%s\n", id.c_str());
}

}  // namespace

bool is_catalog_command(const std::vector<std::string>& arguments) {
  return !arguments.empty() && (arguments.front() == "store" || arguments.front() == "product");
}

int run_catalog_command(const std::vector<std::string>& arguments, std::FILE* out, std::FILE* err) {
  CLI::App app("What is sold and where.", "order_server");
  OptionValues values;
  const Commands commands(app, values);
  return run_command_line(
      app, "order_server " + arguments.front(), arguments, [&] { run(commands, values, out); }, out,
      err);
}

}  // namespace order_server
