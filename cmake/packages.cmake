# SPDX-License-Identifier: MIT
# Debian packages: `cpack --config BUILD/CPackConfig.cmake` makes libordercast-dev, and ordercast-server if the
# server is built. What belongs to a package and not to an installation by hand has components of its own.
set(debian_files ${PROJECT_SOURCE_DIR}/cmake/debian)

# ordercast_debian_package(GROUP NAME COMPONENT...): a package of install components.
function(ordercast_debian_package group name)
  string(TOLOWER ${group}_debian extra)
  install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name}
          COMPONENT ${extra} EXCLUDE_FROM_ALL)
  foreach(component ${ARGN} ${extra})
    string(TOUPPER ${component} id)
    set(CPACK_COMPONENT_${id}_GROUP ${group} PARENT_SCOPE)
  endforeach()
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${ARGN} ${extra} PARENT_SCOPE)
  set(CPACK_DEBIAN_${group}_PACKAGE_NAME ${name} PARENT_SCOPE)
endfunction()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The ordercast authors <authors@ordercast.invalid>")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
# Some files have absolute names; a staging folder before all of them keeps them off this machine.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL "")

ordercast_debian_package(LIBRARY libordercast-dev library)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
"A header-only C++17 library. A change of an order reaches every page that shows
it; a client that was away gets the final state. Files for CMake and pkg-config
are included.")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "nlohmann-json3-dev (>= 3.11)")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_RECOMMENDS
  "libasio-dev, libssl-dev, libcpp-jwt-dev, libwebsocketpp-dev, liburing-dev, zlib1g-dev")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SUGGESTS libnats-dev)

if(TARGET order_server)
  ordercast_debian_package(SERVER ordercast-server server)
  set(CPACK_DEBIAN_SERVER_DESCRIPTION
"The order server of ordercast: orders, roles, payments and pushes on SQLite or
PostgreSQL, REST and WebSockets on one port. The package brings a systemd unit,
a user and /etc/ordercast.")
  set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
  set(CPACK_DEBIAN_SERVER_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS ca-certificates)
  set(control ${debian_files}/postinst ${debian_files}/prerm ${debian_files}/postrm)

  # The same files as docs/deploy tells people to copy, with the package's own places in them.
  set(systemd ${PROJECT_SOURCE_DIR}/docs/deploy/systemd)
  set(staged ${PROJECT_BINARY_DIR}/debian)
  # ordercast_stage(FILE NAME DESTINATION)
  function(ordercast_stage file name destination)
    if(EXISTS ${systemd}/${file})
      file(READ ${systemd}/${file} text)
      string(REPLACE /usr/local/ /usr/ text "${text}")
      file(WRITE ${staged}/${name} "${text}")
      install(FILES ${staged}/${name} DESTINATION ${destination} COMPONENT server_debian EXCLUDE_FROM_ALL)
    endif()
  endfunction()
  ordercast_stage(ordercast.service ordercast.service lib/systemd/system)
  ordercast_stage(ordercast.socket ordercast.socket lib/systemd/system)
  ordercast_stage(ordercast.sysusers ordercast.conf lib/sysusers.d)
  if(EXISTS ${systemd}/order_server.conf)
    ordercast_stage(order_server.conf order_server.conf /etc/ordercast)
    # The server refuses a folder without pages.
    install(CODE "
      if(NOT EXISTS \"${PROJECT_SOURCE_DIR}/build/web/index.html\")
        message(WARNING \"ordercast-server is made without its pages; npm --prefix examples/web run build makes them\")
        set(conf \"\$ENV{DESTDIR}/etc/ordercast/order_server.conf\")
        file(READ \"\${conf}\" text)
        string(REGEX REPLACE \"web-root=[^\\n]*\\n\" \"\" text \"\${text}\")
        file(WRITE \"\${conf}\" \"\${text}\")
      endif()" COMPONENT server_debian EXCLUDE_FROM_ALL)
    file(WRITE ${staged}/conffiles "/etc/ordercast/order_server.conf\n")
    list(APPEND control ${staged}/conffiles)
  else()
    install(DIRECTORY DESTINATION /etc/ordercast COMPONENT server_debian EXCLUDE_FROM_ALL)
  endif()
  set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${control})
  set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_STRICT_PERMISSION ON)
endif()

include(CPack)
