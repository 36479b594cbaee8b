# SPDX-License-Identifier: MIT
"""Builds and runs a program against the package, as a consumer does."""

import os

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeToolchain, cmake_layout


class OrdercastTestPackage(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeDeps"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def generate(self):
        options = self.dependencies["ordercast"].options
        components = [name for name in ("jwt", "tls", "asio", "websocketpp", "nats") if options.get_safe(name)]
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["ORDERCAST_COMPONENTS"] = ";".join(components)
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self):
        if can_run(self):
            self.run(os.path.join(self.cpp.build.bindir, "consumer"), env="conanrun")
