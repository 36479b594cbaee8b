# SPDX-License-Identifier: MIT
# Finds the C client of NATS as libnats::libnats: by header and library where the system has them, else
# by a package config (Conan). Debian's config names files of a package that it doesn't depend on.
find_path(libnats_INCLUDE_DIR nats/nats.h)
find_library(libnats_LIBRARY nats)
mark_as_advanced(libnats_INCLUDE_DIR libnats_LIBRARY)
if(NOT libnats_LIBRARY AND NOT TARGET libnats::libnats)
  find_package(cnats QUIET CONFIG)
  foreach(target cnats::nats cnats::nats_static)
    if(TARGET ${target} AND NOT TARGET libnats::libnats)
      add_library(libnats::libnats INTERFACE IMPORTED)
      target_link_libraries(libnats::libnats INTERFACE ${target})
    endif()
  endforeach()
endif()

include(FindPackageHandleStandardArgs)
# The target may also be ours, of an earlier look.
if(TARGET libnats::libnats AND NOT libnats_LIBRARY)
  find_package_handle_standard_args(libnats CONFIG_MODE)
else()
  find_package_handle_standard_args(libnats REQUIRED_VARS libnats_LIBRARY libnats_INCLUDE_DIR)
endif()

if(libnats_FOUND AND NOT TARGET libnats::libnats)
  add_library(libnats::libnats UNKNOWN IMPORTED)
  set_target_properties(libnats::libnats PROPERTIES
    IMPORTED_LOCATION "${libnats_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${libnats_INCLUDE_DIR}")
endif()
