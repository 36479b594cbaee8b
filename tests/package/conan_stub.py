# SPDX-License-Identifier: MIT
"""A Conan package that stands for one of Conan Center and uses what the system has: no network is needed."""

from conan import ConanFile

# The components of a package, with the libraries that each links. None: the package has none.
LIBRARIES = {
    "asio": {None: []},
    "cnats": {None: ["nats"]},
    "cpp-jwt": {None: ["crypto"]},
    "liburing": {None: ["uring"]},
    "nlohmann_json": {None: []},
    "openssl": {"crypto": ["crypto"], "ssl": ["ssl", "crypto"]},
    "websocketpp": {None: []},
    "zlib": {None: ["z"]},
}
TARGETS = {"cnats": "cnats::nats_static"}


class Stub(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    options = {"asio": ["boost", "standalone", False], "with_openssl": [True, False], "with_zlib": [True, False]}
    default_options = {"asio": "boost", "with_openssl": True, "with_zlib": True}

    def config_options(self):
        if self.name != "websocketpp":
            for option in ("asio", "with_openssl", "with_zlib"):
                delattr(self.options, option)

    def package_info(self):
        self.cpp_info.includedirs = []
        self.cpp_info.libdirs = []
        for name, libraries in LIBRARIES[self.name].items():
            info = self.cpp_info.components[name] if name else self.cpp_info
            info.includedirs = []
            info.system_libs = libraries
        if self.name in TARGETS:
            self.cpp_info.set_property("cmake_target_name", TARGETS[self.name])
