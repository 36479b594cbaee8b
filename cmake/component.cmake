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
    target_include_directories(${target} INTERFACE
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
