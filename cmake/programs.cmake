# SPDX-License-Identifier: MIT
# What the examples, tests and benchmarks need beside the components. Sets ordercast_needs_programs.
set(ordercast_needs_programs "")

# ordercast_pkg_config_dependency(NAME DEBIAN_PACKAGE MODULE): a library that only pkg-config finds, as
# PkgConfig::NAME.
macro(ordercast_pkg_config_dependency name debian_package module)
  if(PkgConfig_FOUND)
    pkg_check_modules(${name} QUIET IMPORTED_TARGET ${module})
  endif()
  ordercast_dependency(${name} PkgConfig::${name} ${debian_package})
endmacro()

if(CMAKE_VERSION VERSION_LESS 3.25)
  message(FATAL_ERROR "${ordercast_programs} need CMake 3.25; this is ${CMAKE_VERSION}")
endif()
find_package(PkgConfig QUIET)
if(NOT PkgConfig_FOUND)
  set(ordercast_missing "pkg-config (Debian package pkg-config)")
  set(ordercast_missing_packages pkg-config)
  ordercast_keep_missing("${ordercast_programs}")
endif()

if(ORDERCAST_BUILD_EXAMPLES)
  ordercast_pkg_config_dependency(sodium libsodium-dev libsodium)
  ordercast_pkg_config_dependency(argon2 libargon2-dev libargon2)
  ordercast_pkg_config_dependency(libpq libpq-dev libpq>=14)
  ordercast_dependency(SQLite3 SQLite::SQLite3 libsqlite3-dev 3.37)
  ordercast_dependency(CLI11 CLI11::CLI11 libcli11-dev)
  ordercast_dependency(spdlog spdlog::spdlog libspdlog-dev)
  ordercast_dependency(CURL CURL::libcurl libcurl4-openssl-dev 7.85)
  ordercast_dependency(prometheus-cpp prometheus-cpp::core prometheus-cpp-dev COMPONENTS core)
  list(APPEND ordercast_needs_programs sodium argon2 libpq SQLite3 CLI11 spdlog CURL prometheus-cpp)
endif()
if(ORDERCAST_BUILD_TESTS)
  ordercast_dependency(Catch2 Catch2::Catch2WithMain catch2 2.13)
  ordercast_dependency(ZLIB ZLIB::ZLIB zlib1g-dev)
  list(APPEND ordercast_needs_programs Catch2 ZLIB)
endif()
