# SPDX-License-Identifier: MIT
# Finds standalone Asio as asio::asio: by its package config where there is one (Conan), else by its
# header (Debian ships no config).
find_package(asio QUIET CONFIG)

if(NOT TARGET asio::asio)
  find_path(asio_INCLUDE_DIR asio.hpp)
  mark_as_advanced(asio_INCLUDE_DIR)
endif()

include(FindPackageHandleStandardArgs)
# The target may also be ours, of an earlier look.
if(TARGET asio::asio AND NOT asio_INCLUDE_DIR)
  find_package_handle_standard_args(asio CONFIG_MODE)
else()
  find_package_handle_standard_args(asio REQUIRED_VARS asio_INCLUDE_DIR)
endif()

if(asio_FOUND AND NOT TARGET asio::asio)
  find_package(Threads REQUIRED)
  add_library(asio::asio INTERFACE IMPORTED)
  # Without the definition websocketpp silently takes Boost.Asio.
  set_target_properties(asio::asio PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${asio_INCLUDE_DIR}"
    INTERFACE_COMPILE_DEFINITIONS ASIO_STANDALONE
    INTERFACE_LINK_LIBRARIES Threads::Threads)
endif()
