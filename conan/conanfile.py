# SPDX-License-Identifier: MIT
"""Conan 2 recipe of ordercast. `conan create conan` packages the headers and builds test_package."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load

required_conan_version = ">=2.0"


class OrdercastRecipe(ConanFile):
    name = "ordercast"
    description = "Real-time order updates for any C++ server"
    license = "MIT"
    topics = ("websocket", "real-time", "pub-sub", "orders", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"asio": [True, False], "jwt": [True, False], "nats": [True, False], "tls": [True, False],
               "websocketpp": [True, False]}
    default_options = {
        "asio": True,
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

    def set_version(self):
        header = load(self, os.path.join(self._root, "include", "ordercast", "version.hpp"))
        self.version = re.search(r'ORDERCAST_VERSION_STRING "([0-9.]+)"', header).group(1)

    def export_sources(self):
        copy(self, "LICENSE", self._root, self.export_sources_folder)
        copy(self, "include/*.hpp", self._root, self.export_sources_folder)
        copy(self, "transports/*/include/*.hpp", self._root, self.export_sources_folder)

    def requirements(self):
        # Exact versions: Conan Center's recipes pin the same ones, and a range conflicts with them.
        self.requires("nlohmann_json/3.11.3")
        if self.options.jwt:
            self.requires("cpp-jwt/1.4")
        if self.options.asio or self.options.tls or self.options.websocketpp:
            self.requires("asio/1.28.1")
            self.requires("zlib/[>=1.2.11 <2]")  # a range, as openssl's recipe has it
        if self.options.asio or self.options.tls:
            self.requires("openssl/[>=3 <4]")  # a range, as cpp-jwt's recipe has it
        if self.options.websocketpp:
            self.requires("websocketpp/0.8.2")
        if self.options.nats:
            self.requires("cnats/3.9.3")

    def validate(self):
        if self.settings.get_safe("compiler.cppstd"):
            check_min_cppstd(self, 17)
        if self.options.websocketpp and self.dependencies["websocketpp"].options.asio != "standalone":
            raise ConanInvalidConfiguration("ordercast needs websocketpp with asio=standalone")

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
        if self.options.asio or self.options.tls or self.options.websocketpp:
            self._component("net", ["core", "asio::asio", "zlib::zlib"])
            self.cpp_info.components["net"].defines = ["ORDERCAST_HAS_ZLIB"]
        if self.options.asio:
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
