# SPDX-License-Identifier: MIT
"""Conan 2 recipe of ordercast. `conan create conan` packages the headers and builds test_package."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get, load

required_conan_version = ">=2.0"


class OrdercastRecipe(ConanFile):
    name = "ordercast"
    description = "Real-time order updates for any C++ server"
    license = "MIT"
    url = "https://example.org/ordercast"  # no public home yet; a release sets both
    homepage = "https://example.org/ordercast"
    topics = ("websocket", "real-time", "pub-sub", "orders", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"asio": [True, False], "io_uring": [True, False], "jwt": [True, False],
               "nats": [True, False], "tls": [True, False], "websocketpp": [True, False]}
    default_options = {
        "asio": True,
        "io_uring": True,  # of the asio transport
        "jwt": True,
        "nats": True,
        "tls": True,
        "websocketpp": True,
        # Conan Center's default is Boost.Asio; TLS and deflate are our own.
        "websocketpp/*:asio": "standalone",
        "websocketpp/*:with_openssl": False,
        "websocketpp/*:with_zlib": False,
    }
    no_copy_source = True
    implements = ["auto_header_only"]  # the options choose dependencies; the files are the same

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, os.pardir)

    @property
    def _archive(self):
        """Where Conan Center gets this version from; None where the sources lie beside the recipe."""
        return ((self.conan_data or {}).get("sources") or {}).get(self.version)

    @property
    def _net(self):
        return self.options.asio or self.options.tls or self.options.websocketpp

    def set_version(self):
        if not self.version:
            header = load(self, os.path.join(self._root, "include", "ordercast", "version.hpp"))
            self.version = re.search(r'ORDERCAST_VERSION_STRING "([0-9.]+)"', header).group(1)

    def export_sources(self):
        if not self._archive:
            copy(self, "LICENSE", self._root, self.export_sources_folder)
            copy(self, "include/*.hpp", self._root, self.export_sources_folder)
            copy(self, "transports/*/include/*.hpp", self._root, self.export_sources_folder)

    def source(self):
        if self._archive:
            get(self, **self._archive, strip_root=True)

    def config_options(self):
        if self.settings.os != "Linux":
            del self.options.io_uring

    def configure(self):
        if not self.options.asio:
            self.options.rm_safe("io_uring")

    def requirements(self):
        # Exact versions: Conan Center's recipes pin the same ones, and a range conflicts with them.
        self.requires("nlohmann_json/3.11.3")
        if self.options.jwt:
            self.requires("cpp-jwt/1.4")
        if self._net:
            self.requires("asio/1.28.1")
            self.requires("zlib/[>=1.2.11 <2]")  # a range, as openssl's recipe has it
        if self.options.asio or self.options.tls:
            self.requires("openssl/[>=3 <4]")  # a range, as cpp-jwt's recipe has it
        if self.options.get_safe("io_uring"):
            self.requires("liburing/2.11")
        if self.options.websocketpp:
            self.requires("websocketpp/0.8.2")
        if self.options.nats:
            self.requires("cnats/3.9.3")

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 17)
        # A package of the platform ([platform_requires]) is not among the dependencies.
        for dependency in self.dependencies.host.values():
            if dependency.ref.name == "websocketpp" and dependency.options.asio != "standalone":
                raise ConanInvalidConfiguration(
                    f"ordercast needs websocketpp with asio=standalone, not {dependency.options.asio}")

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for include_dir in ("include", "transports/net/include", "transports/asio/include",
                            "transports/websocketpp/include", "transports/nats/include"):
            copy(self, "*.hpp", os.path.join(self.source_folder, include_dir),
                 os.path.join(self.package_folder, "include"))

    def package_info(self):
        self._component("core", ["nlohmann_json::nlohmann_json"])
        if self.options.jwt:
            self._component("jwt", ["core", "cpp-jwt::cpp-jwt"])
        if self._net:
            self._component("net", ["core", "asio::asio", "zlib::zlib"])
            self.cpp_info.components["net"].defines = ["ASIO_STANDALONE", "ORDERCAST_HAS_ZLIB"]
        if self.options.get_safe("io_uring"):
            self._component("asio", ["net", "openssl::crypto", "liburing::liburing"])
            self.cpp_info.components["asio"].defines = ["ORDERCAST_HAS_LIBURING"]
        elif self.options.asio:
            self._component("asio", ["net", "openssl::crypto"])
        if self.options.tls:
            self._component("tls", ["net", "openssl::ssl"])
        if self.options.websocketpp:
            self._component("websocketpp", ["net", "websocketpp::websocketpp"])
        if self.options.nats:
            self._component("nats", ["core", "cnats::cnats"])

    def _component(self, name, requires):
        component = self.cpp_info.components[name]
        component.set_property("cmake_target_name", f"ordercast::{name}")
        component.requires = requires
        component.bindirs = []
        component.libdirs = []
