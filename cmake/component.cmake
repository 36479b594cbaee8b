# SPDX-License-Identifier: MIT
# ordercast_component(NAME [INCLUDE_DIR]): a header-only library ordercast::NAME, and its installation
# as a component of the package, so that find_package asks only for the dependencies of what is used.
function(ordercast_component name)
  set(target ordercast_${name})
  add_library(${target} INTERFACE)
  add_library(ordercast::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} INTERFACE cxx_std_17)

  set(include_dir ${ARGV1})
  if(include_dir)
    if(ORDERCAST_TOP_LEVEL)  # Only here our headers follow our own warnings.
      set(system "")
    else()
      set(system SYSTEM)
    endif()
    target_include_directories(${target} ${system} INTERFACE
      $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/${include_dir}>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  endif()

  if(ORDERCAST_INSTALL)
    install(TARGETS ${target} EXPORT ordercast-${name})
    install(EXPORT ordercast-${name} NAMESPACE ordercast:: FILE ordercast-${name}.cmake
            DESTINATION ${ORDERCAST_CMAKE_DIR} COMPONENT library)
    if(include_dir)
      install(DIRECTORY ${include_dir}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library
              FILES_MATCHING PATTERN "*.hpp")
    endif()
  endif()
endfunction()

# ordercast_pkg_config(NAME DESCRIPTION REQUIRES MODULE... [CFLAGS FLAG...] [LIBS FLAG...]): a pkg-config file of a
# component. It says what this build found: zlib and liburing are used if they were here.
function(ordercast_pkg_config component description)
  if(NOT ORDERCAST_INSTALL)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 2 pc "" "" "REQUIRES;CFLAGS;LIBS")
  set(pc_name ordercast)
  if(NOT component STREQUAL "core")
    set(pc_name ordercast-${component})
  endif()
  set(pc_description ${description})
  list(JOIN pc_REQUIRES ", " pc_requires)
  list(JOIN pc_CFLAGS " " pc_cflags)
  list(JOIN pc_LIBS " " pc_libs)
  # The files say where they are themselves, so that the whole may be moved.
  set(folder ${CMAKE_INSTALL_DATADIR}/pkgconfig)
  file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_PREFIX}/${folder} ${CMAKE_INSTALL_PREFIX})
  string(REGEX REPLACE "/$" "" pc_prefix ${pc_prefix})
  configure_file(${PROJECT_SOURCE_DIR}/cmake/ordercast.pc.in ${PROJECT_BINARY_DIR}/${pc_name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${pc_name}.pc DESTINATION ${folder} COMPONENT library)
endfunction()
